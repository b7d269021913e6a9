"""The slim loop, TF1 optimizers and checkpoints."""
