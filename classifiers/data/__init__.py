"""Labelled texts: read, split, weighed and sampled, for whoever trains or evaluates."""
