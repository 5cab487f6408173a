"""The Redis adapters of moderation."""
