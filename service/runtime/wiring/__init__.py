"""The one place where adapters are chosen. `front` and `worker` are the composition of a process, from top to bottom.

`connections` is what both hold, `use_cases` what fronts and commands do over one opened store.
"""
