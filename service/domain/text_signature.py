"""Signatures that group posts: those of near-duplicate texts are alike. Pure, standard library only.

Two texts belong together when their sets of shingles overlap, as MinHash estimates it (Broder 1997,
https://doi.org/10.1109/SEQUEN.1997.666900), or when their embeddings point the same way. Candidates are found
by `bands`: locality-sensitive hashes of shingles and of embeddings.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

NEAR_TEXT, NEAR_MEANING = 0.7, 0.95


class TextSignature(NamedTuple):
    """Hashes to find near texts by; MinHash minima, 4 bytes each; the unit embedding, a signed byte a dimension.

    A text too short to compare has no bands, and `vector` is empty where the bundle embeds nothing.
    """

    bands: tuple[str, ...] = ()
    minima: bytes = b""
    vector: bytes = b""


NO_SIGNATURE = TextSignature()


def near(one: TextSignature, other: TextSignature) -> bool:
    """Whether texts are near-duplicates: `NEAR_TEXT` of their shingles (estimated) or a cosine of `NEAR_MEANING`."""
    return _overlap(one.minima, other.minima) >= NEAR_TEXT or _cosine(one.vector, other.vector) >= NEAR_MEANING


def _overlap(one: bytes, other: bytes) -> float:
    if not one or len(one) != len(other):
        return 0.0
    mine, theirs = memoryview(one).cast("I"), memoryview(other).cast("I")
    return sum(a == b for a, b in zip(mine, theirs, strict=True)) / len(mine)


def _cosine(one: bytes, other: bytes) -> float:
    if not one or len(one) != len(other):
        return 0.0
    mine, theirs = memoryview(one).cast("b"), memoryview(other).cast("b")
    lengths = _dot(mine, mine) * _dot(theirs, theirs)
    return _dot(mine, theirs) / sqrt(lengths) if lengths else 0.0


def _dot(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(one, other, strict=True))
