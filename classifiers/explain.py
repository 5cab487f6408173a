"""Why a text scored as it did, in UTF-8 byte offsets of the text as it was posted.

Takes what was found on the normalised text (contributions in characters, surprise per token) back to the original.
Offsets never cut a character in two; white space at the ends of a span is left out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from classifiers.text import Normalised, byte_offsets

Contribution = tuple[int, int, float]
"""Start and end, in characters of the normalised text, and the share of the logit that they bring."""


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of the original, bytes `start` to `end`, that moved `label`'s logit by `weight` (up if positive)."""

    start: int
    end: int
    weight: float
    label: str


class _Original:
    """The way back from a normalised text to the bytes of its original."""

    def __init__(self, text: str, normalised: Normalised) -> None:
        if normalised.offsets[-1] != len(text):
            raise ValueError("normalised: it was made from another text than the original given")
        self._text, self._offsets, self._bytes = text, normalised.offsets, byte_offsets(text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Byte span of normalised characters `start` to `end`."""
        first = self._offsets[start]
        last = max(self._offsets[end], first + (end > start))
        passage = self._text[first:last]
        kept = passage.strip() or passage
        first += passage.index(kept)
        return self._bytes[first], self._bytes[first + len(kept)]


def spans(
    original: str, normalised: Normalised, contributions: Mapping[str, Iterable[Contribution]], *, top: int = 8
) -> tuple[Span, ...]:
    """Pick each label's `top` weightiest passages, in the order of the text.

    `contributions` maps a label to its shares in order of text. Neighbours that pull the same way, each at least the
    label's mean strength, are merged and their weights added.
    """
    back = _Original(original, normalised)
    found: list[Span] = []
    for label, shares in contributions.items():
        merged = [Span(*back.span(start, end), weight, label) for start, end, weight in _merge(list(shares))]
        strongest = sorted(merged, key=lambda span: -abs(span.weight))[:top]
        found += strongest
    return tuple(sorted(found, key=lambda span: (span.start, span.end, span.label)))


def surprise(
    original: str, normalised: Normalised, tokens: Sequence[tuple[int, int]], bits: Sequence[float]
) -> tuple[tuple[int, int, float], ...]:
    """Place each token's surprise: (start byte, end byte, bits) in the original.

    `tokens` are character spans of the normalised text in order, `bits` one number each, -log2 of the token's
    probability. Empty spans (special tokens) are left out; tokens that share a character (byte fallback) become one,
    their bits added.
    """
    back = _Original(original, normalised)
    placed: list[tuple[int, int, float]] = []
    for (start, end), value in zip(tokens, bits, strict=True):
        if start == end:
            continue
        first, last = back.span(start, end)
        shared = placed.pop() if placed and first < placed[-1][1] else (first, last, 0.0)
        placed.append((shared[0], max(last, shared[1]), shared[2] + float(value)))
    return tuple(placed)


def _merge(shares: Sequence[Contribution]) -> list[Contribution]:
    """Join runs of strong shares of one sign; weak ones are left out."""
    mean = sum(abs(weight) for *_, weight in shares) / max(len(shares), 1)

    def pull(share: Contribution) -> int:
        weight = share[2]
        return 0 if abs(weight) < mean or weight == 0 else int(math.copysign(1, weight))

    runs = [(sign, list(run)) for sign, run in groupby(shares, key=pull)]
    return [(run[0][0], run[-1][1], sum(weight for *_, weight in run)) for sign, run in runs if sign]
