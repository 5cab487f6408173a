"""The web console for moderators and leads."""
