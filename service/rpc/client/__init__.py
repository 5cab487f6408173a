"""A Python client of the gRPC API."""
