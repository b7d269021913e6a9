"""One module per file format: its documentation, read() and write()."""
