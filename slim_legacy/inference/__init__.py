"""Trained networks in use: inference graphs, frozen graphs, predictions."""
