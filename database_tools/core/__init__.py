"""Pure arithmetic and types: no files, no network, no TensorFlow."""
