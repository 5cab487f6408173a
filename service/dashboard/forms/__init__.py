"""Forms of the dashboard: fields in, choices out."""
