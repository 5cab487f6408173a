"""What fits the parts of a bundle that match claims."""
