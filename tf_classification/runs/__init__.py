"""A training run as others meet it: its parameters, its devices, its dataset, its network."""
