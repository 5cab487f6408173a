"""The web dashboard for moderators and leads."""
