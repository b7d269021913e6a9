"""Crop datasets become classifiers, served models and predictions (TensorFlow, Keras 3)."""
