"""What a post's way keeps in Redis."""
