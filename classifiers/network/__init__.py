"""The Llama that reads posts, and the heads on it.

A text's way: `windows` -> `packing` -> `pack_reading`, the packed forward pass (`backbone` walks the layers, each
sequence attending to itself alone) -> `heads`. `branch` runs all of it.
"""
