"""Pages for people: HTML and charts that need no script and load nothing."""
