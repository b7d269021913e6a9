"""The label database: what people said about the pictures of many datasets, in one file."""
