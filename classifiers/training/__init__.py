"""What fits a bundle."""
