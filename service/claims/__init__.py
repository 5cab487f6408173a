"""Fact-checked claims: reading, storing, counting, quarantine."""
