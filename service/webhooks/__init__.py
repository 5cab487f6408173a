"""Notifies platforms of verdicts over HTTP: endpoints, events, deliveries."""
