"""Endpoints, events and deliveries, in SQL."""
