"""Training of bundles."""
