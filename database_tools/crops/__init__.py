"""From a picture and its boxes to encoded crops."""
