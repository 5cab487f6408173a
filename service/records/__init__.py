"""The record store: posts that were accepted, verdicts on them, followers of those."""
