"""How good a detector is, by what people know of pictures."""
