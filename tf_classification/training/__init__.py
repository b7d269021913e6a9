"""The training loop on strategy.run, and what hangs on it."""
