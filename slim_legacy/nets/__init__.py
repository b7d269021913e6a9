"""Networks under their TF-slim names."""
