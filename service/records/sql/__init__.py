"""The record store in SQL."""
