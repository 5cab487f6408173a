"""A post's way: `pipeline` is the front's half, `judging` the worker's. Both decide by `deciding`."""
