"""The one place where adapters are chosen: each module reads as the composition of a process or a topic."""
