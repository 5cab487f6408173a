"""Tables by topic."""
