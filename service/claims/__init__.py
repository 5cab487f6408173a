"""Fact-checked claims: read, kept, counted, quarantined."""
