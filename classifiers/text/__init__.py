"""Text made comparable: normalised, its language and its near-duplicates told."""
