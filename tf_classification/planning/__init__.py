"""What a project will cost: every stage on a sample of its pictures, and from there to all."""
