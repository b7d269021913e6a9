"""What a network without its last layer says of crops: computed once, kept, read by others."""
