"""Files that last: whole or not at all, claimed folders, locks."""
