"""Policy versions and shadow rulings, in SQL."""
