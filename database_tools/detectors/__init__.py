"""Animal detectors: TensorFlow graphs, saved models and precomputed results."""
