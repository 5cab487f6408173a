"""The one place where adapters are chosen. `front` and `worker` are the composition of a process, from top to bottom.

`connections` are those that both hold, `use_cases` those of fronts and commands over one opened store.
"""
