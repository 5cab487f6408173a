"""The hashed n-gram screen beside the network."""
