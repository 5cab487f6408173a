"""How good a bundle is: figures, cards, attacks, sets left out."""
