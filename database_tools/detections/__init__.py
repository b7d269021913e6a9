"""What was found in which picture: the detecting pass and what it keeps."""
