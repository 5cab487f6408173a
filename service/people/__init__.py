"""Who works with Assay, and what they may do."""
