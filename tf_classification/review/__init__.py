"""Pages on which people decide what pictures and crops show."""
