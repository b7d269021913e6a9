"""What a classifier said, for people: mapped to other labels, merged with detections, reviewed."""
