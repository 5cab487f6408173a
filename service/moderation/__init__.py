"""The path of a post: `pipeline` is the front's half, `judging` the worker's. Both decide by `deciding`."""
