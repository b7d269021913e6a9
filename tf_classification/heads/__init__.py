"""Classifiers learnt on embeddings: the last layer of a network, in seconds."""
