"""Inception preprocessing, numerically the original's."""
