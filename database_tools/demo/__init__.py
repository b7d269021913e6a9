"""The demo world: generated pictures with labels and exact boxes, and a detector for them."""
