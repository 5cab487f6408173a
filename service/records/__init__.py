"""The record store: accepted posts, verdicts on them, followers of the verdicts."""
