"""Text in, signals out. Imports nothing else of Assay."""
