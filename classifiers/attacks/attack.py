"""An attack: a named change of a text, its published rate, and the rate's source."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Change = Callable[[str, random.Random, float], str]
"""Changes a text at a rate from 0 to 1: the share of eligible places that is changed."""

RAID = "RAID (Dugan et al. 2024, arXiv:2405.07940)"


class Family(StrEnum):
    """What an attack touches."""

    CHARACTER = "character"
    WORD = "word"
    LAYOUT = "layout"
    SOCIAL = "social"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack at its published rate; `source` says who published the rate, or why there is none."""

    name: str
    family: Family
    rate: float
    source: str
    change: Change

    def __call__(self, text: str, rng: random.Random) -> str:
        """The attacked text, the same for the same state of the generator; never blank unless `text` is."""
        return changed(self.change, text, rng, self.rate)


def changed(change: Change, text: str, rng: random.Random, rate: float) -> str:
    """A change of a text, applied only where both are more than blanks."""
    new = change(text, rng, rate) if text.strip() else text
    return new if new.strip() else text
