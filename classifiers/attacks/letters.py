"""Attacks on characters: lookalike letters, invisible spaces, swapped case."""

import random
import re

_FIRST_LETTER = re.compile(r"(?<![\w'@#/.])[^\W\d_]")
_ZERO_WIDTH = "\u200b"
_TWINS = {
    **dict(zip("aceijopsxyABCEHIJKMNOPSTXYZh", "асеіјорѕхуАВСЕНІЈКМΝОРЅТХУΖһ", strict=True)),
}
_GREEK = dict(zip("ABEHIKMNOPTXYZov", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖον", strict=True))
HOMOGLYPHS = {letter: _TWINS.get(letter, "") + _GREEK.get(letter, "") for letter in {**_TWINS, **_GREEK}}
"""Cyrillic and Greek lookalikes of a Latin letter."""


def homoglyphs(text: str, rng: random.Random, rate: float) -> str:
    """A share of the Latin letters that have a Cyrillic or Greek twin replaced by it."""
    return "".join(
        rng.choice(HOMOGLYPHS[char]) if char in HOMOGLYPHS and rng.random() < rate else char for char in text
    )


def zero_width(text: str, rng: random.Random, rate: float) -> str:
    """A zero-width space after a share of the characters."""
    return "".join(char + _ZERO_WIDTH if rng.random() < rate else char for char in text)


def swap_case(text: str, rng: random.Random, rate: float) -> str:
    """A share of the words with the case of their first letter swapped."""
    return _FIRST_LETTER.sub(lambda found: found[0].swapcase() if rng.random() < rate else found[0], text)
