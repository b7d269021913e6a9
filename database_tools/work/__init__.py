"""Work in pieces: executors, and results in the order of the list."""
