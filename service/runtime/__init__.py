"""Settings, and the processes made of them."""
