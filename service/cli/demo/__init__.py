"""`make demo`: the sample feed from end to end."""
