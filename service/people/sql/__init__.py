"""People and their sessions, in SQL."""
