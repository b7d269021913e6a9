"""The TF-slim way of training Inception V4, on today's TensorFlow."""
