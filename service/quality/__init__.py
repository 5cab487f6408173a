"""How good decisions are: those of moderators and those of the model."""
