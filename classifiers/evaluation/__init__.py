"""Evaluation of a bundle: figures, cards, attacks, left-out sets."""
