"""Tells platforms of verdicts over HTTP: endpoints, what they are told, and how it reaches them."""
