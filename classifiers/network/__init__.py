"""The Llama network that reads posts, and its heads.

A text passes through `windows` -> `packing` -> `pack_reading`, the packed forward pass (`backbone` walks the layers,
each sequence attending to itself alone) -> `heads`. `branch` runs all of it.
"""
