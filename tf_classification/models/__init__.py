"""Networks, their weights, and the model bundle."""
