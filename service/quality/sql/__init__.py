"""Counts, samples, golden items and second opinions, in SQL."""
