"""Pictures: the one loader, and crops."""
