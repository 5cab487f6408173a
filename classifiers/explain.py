"""Explains a text's scores, in UTF-8 byte offsets of the text as posted.

Both branches compute each passage's share of a logit. The shares are spread over the characters of the normalised text,
summed by word, and neighbours of one sign joined into spans; then all is mapped to the original, where offsets
never split a character and white space at the ends of a span is left out.

The explanation is complete: logit = base + rest + the weights of the spans. `rest` is the share of words outside the
spans, `base` that of no word: biases, and how predictable the whole text reads. That last part could be spread over
tokens by integrated gradients (Sundararajan et al. 2017), but most of its statistics (spread, ratio, curvature) belong
to no token, and it moved the first starter's logits by little (standard deviation 0.3 of 3.9). A separate number says
more to a moderator than small weights on every word; how predictable each token is, is in `surprise`.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from classifiers.text.normalise import Normalised, byte_offsets

Contribution = tuple[int, int, float]
"""Start and end, in characters of the normalised text, and their share of the logit."""

MOST_SPANS = 8
_WORD = re.compile(r"[^ ]+")


@dataclass(frozen=True, slots=True)
class Span:
    """A passage of the original, bytes `start` to `end`, that moved `label`'s logit by `weight` (up if positive)."""

    start: int
    end: int
    weight: float
    label: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one label's logit: raw = base + rest + the weights of `spans`, which are in order of the text.

    `rest` is the share of the words outside the spans; `base` is that of no word.
    """

    label: str
    raw: float
    spans: tuple[Span, ...]
    rest: float
    base: float


class _Original:
    """Maps a normalised text to the bytes of its original."""

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


def explanation(
    original: str, normalised: Normalised, label: str, raw: float, shares: Iterable[Contribution]
) -> Explanation:
    """Explain a label's logit by the shares of passages of the normalised text, in any order, overlapping or not.

    The weightiest runs of words become spans: neighbours that pull the same way, each at least at the mean strength.
    """
    words = by_word(normalised.text, shares)
    back = _Original(original, normalised)
    strongest = sorted(_merge(words), key=lambda run: -abs(run[2]))[:MOST_SPANS]
    spans = tuple(Span(*back.span(start, end), weight, label) for start, end, weight in sorted(strongest))
    traced = math.fsum(weight for *_, weight in words)
    return Explanation(label, raw, spans, traced - math.fsum(span.weight for span in spans), raw - traced)


def by_word(text: str, shares: Iterable[Contribution]) -> list[Contribution]:
    """Sum shares of passages over the words of a normalised text (runs without a space), in order.

    A share is spread evenly over the characters of its passage that aren't spaces; one without any goes to the word
    before it. The sum stays the same, unless there is no word.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    if not words:
        return []
    before = np.cumsum([0, *(char != " " for char in text)])  # characters of words before each place of the text
    rows = np.array(list(shares), np.float64).reshape(-1, 3)
    weight, (first, last) = rows[:, 2], before[rows[:, :2].astype(np.int64)].T
    first = np.where(first == last, np.maximum(first - 1, 0), first)
    last = np.maximum(last, first + 1)
    density = np.zeros(before[-1] + 1)
    np.add.at(density, first, weight / (last - first))
    np.add.at(density, last, -weight / (last - first))
    weights = np.add.reduceat(np.cumsum(density)[:-1], before[[start for start, _ in words]])
    return [(*word, weight) for word, weight in zip(words, weights.tolist(), strict=True)]


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
    """Join runs of strong shares of one sign, without weak ones."""
    mean = sum(abs(weight) for *_, weight in shares) / max(len(shares), 1)

    def pull(share: Contribution) -> int:
        weight = share[2]
        return 0 if abs(weight) < mean or weight == 0 else int(math.copysign(1, weight))

    runs = [(sign, list(run)) for sign, run in groupby(shares, key=pull)]
    return [(run[0][0], run[-1][1], sum(weight for *_, weight in run)) for sign, run in runs if sign]
