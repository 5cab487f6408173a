"""Numbers, retention and erasure, in SQL."""
