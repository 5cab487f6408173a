"""The hashed n-gram screen, the second branch next to the network."""
