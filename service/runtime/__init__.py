"""Settings, and the processes made from them."""
