"""How well claims are found, and relations predicted."""
