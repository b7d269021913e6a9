"""The datasets that we write."""
