"""Fact-checked claims: which of them a text comes near to, and how it stands to them."""
