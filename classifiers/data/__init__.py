"""Labelled texts: reading, splitting, weighting and sampling, for training and evaluation."""
