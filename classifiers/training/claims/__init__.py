"""Training of the parts of a bundle that match claims."""
