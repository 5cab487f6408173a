"""Fact-checked claims: which of them a text matches, and its relation to them."""
