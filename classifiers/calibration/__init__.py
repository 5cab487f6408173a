"""Scores to probabilities, and thresholds with certified error bounds."""
