"""Dataset descriptors, one module for each dataset."""
