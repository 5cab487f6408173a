"""A post's text cut into pieces to show: how surprising each is, which signal it speaks for, what it hid. Pure."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from confusable_homoglyphs import confusables

from service.domain.judgement import Evidence, Signal, Span, TokenSurprise

_HEAT = (4.0, 7.0, 10.0, 13.0)
"""Bits of surprise from which a token is shown one shade darker: once in 16, 128, 1,024, 8,192 tokens."""

_LEAST_WEIGHT = 0.05  # logits: less is not worth a mark


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: its shade from 0 (expected) to 4 (surprising), and the signal it moves most, by so many logits."""

    text: str
    heat: int = 0
    signal: str = ""
    weight: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether there is nothing to show of it."""
        return not (self.heat or self.signal)


def pieces(text: str, evidence: Evidence) -> list[Piece]:
    """The whole text in pieces, given evidence whose offsets are UTF-8 bytes of it (`domain.evidence.related`)."""
    at = _Offsets(text)
    spans = [(at(s.start), at(s.end), s) for s in evidence.spans if s.weight >= _LEAST_WEIGHT]
    tokens = sorted((at(t.start), at(t.end), t) for t in evidence.surprise)
    edges = {0, len(text), *(edge for start, end, _ in [*spans, *tokens] for edge in (start, end))}
    cuts = sorted(edge for edge in edges if 0 <= edge <= len(text))
    starts = [start for start, _, _ in tokens]
    found = [_piece(text, start, end, spans, tokens, starts) for start, end in pairwise(cuts)]
    return _joined(found)


def _piece(  # noqa: PLR0917 - what a piece is cut from
    text: str,
    start: int,
    end: int,
    spans: Sequence[tuple[int, int, Span]],
    tokens: Sequence[tuple[int, int, TokenSurprise]],
    starts: Sequence[int],
) -> Piece:
    over = [span for first, last, span in spans if first <= start and end <= last]
    heaviest = max(over, key=lambda span: span.weight, default=None)
    place = bisect_right(starts, start) - 1
    token = tokens[place] if place >= 0 and tokens[place][1] >= end else None
    heat = bisect_right(_HEAT, token[2].bits) if token else 0
    return Piece(text[start:end], heat, heaviest.signal if heaviest else "", heaviest.weight if heaviest else 0.0)


def _joined(found: Sequence[Piece]) -> list[Piece]:
    """Neighbours that look alike as one."""
    joined: list[Piece] = []
    for piece in found:
        before = joined[-1] if joined else None
        if before and (before.heat, before.signal, before.weight) == (piece.heat, piece.signal, piece.weight):
            joined[-1] = Piece(before.text + piece.text, piece.heat, piece.signal, piece.weight)
        elif piece.text:
            joined.append(piece)
    return joined


class _Offsets:
    """From UTF-8 byte offsets to character indices; inside a character, to the index after it."""

    def __init__(self, text: str) -> None:
        self._ends = list(accumulate(len(character.encode("utf-8", "surrogatepass")) for character in text))

    def __call__(self, offset: int) -> int:
        return min(bisect_left(self._ends, offset) + 1, len(self._ends)) if offset > 0 else 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One signal as a bar: probability, interval, and the thresholds of the policy's rules on it."""

    signal: Signal
    marks: tuple[float, ...] = ()

    @property
    def over(self) -> bool:
        """Whether it reaches one of them."""
        return any(self.signal.probability >= mark for mark in self.marks)


def unmasked(text: str) -> str:
    """The text with obfuscation undone, roughly as the classifiers read it.

    Compatibility forms are folded (NFKC), invisible characters dropped, letters outside the text's main script replaced
    by lookalikes within it where there are some.
    """
    folded = "".join(
        c
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c) not in {"Cf", "Cc", "Co"} or c in "\n\t"
    )
    script = _script(folded)
    if script != "LATIN":  # lookalikes are undone towards Latin only
        return folded
    return "".join(_latin(character) if ord(character) > 127 else character for character in folded)


def _script(text: str) -> str:
    letters = [unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha()]
    return max(set(letters), key=letters.count) if letters else ""


def _latin(character: str) -> str:
    if not character.isalpha() or unicodedata.name(character, "").startswith("LATIN"):
        return character
    found = confusables.is_confusable(character, preferred_aliases=["latin"], greedy=True) or []
    latin = (each["c"] for one in found for each in one["homoglyphs"] if len(each["c"]) == 1 and each["c"].isascii())
    return next((c for c in latin if c.isalpha()), character)
