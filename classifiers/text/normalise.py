"""Text normalisation: undoes what hides words from a machine but not from a reader, and counts it.

Compatibility forms (NFKC), lookalike letters (TR39), invisible and control characters, stacked combining marks, curly
quotes, whitespace (line breaks too) and words written with a space after each letter are made plain; emoji, and the
joiners that Arabic and Indic spelling needs, are kept. Every normalised character keeps the index of the original one
it came from. What was undone is an obfuscation signal, never evidence of machine writing. Words, case and leetspeak
are not changed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from classifiers.text.characters import EMOJI, FILLERS, is_innocent, is_needed, plain
from classifiers.text.confusables import undisguise

OBFUSCATIONS = ("homoglyph", "compatibility", "format_character", "control_character", "combining_mark", "whitespace")
"""Kinds that `Normalised.undone` counts."""

_NOTHING: Mapping[str, int] = MappingProxyType({})
_UNTIDY = re.compile(r"[\x00-\x1f\x7f]|  |^ | $")
_ODD_SPACE = re.compile(r"[\u1680\u2000-\u2008\u200a\u205f]|(?<=[^\W\d_A-Z])[ \t]{2,}(?=[^\W\d_A-Z])")
# Four single letters may be initials or a list.
_SPACED_OUT = re.compile(r"(?<![^\s\"'(])[A-Za-z](?: [A-Za-z](?![^\s.,!?;:\"')])){4,}")
_MOST_MARKS = 3  # Polytonic Greek stacks three; more on one letter is decoration.
_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20e2\u20e4-\u20f0]")
_OVERLAY = re.compile("[\u0332-\u0338\u20d2-\u20e2\u20e4-\u20eb]")  # Struck through or underlined letters.
_WORD = re.compile(r"\w\S*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
_LETTERS_PER_UNSPACED_WORD = 2


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; `offsets[i]` is the index in the original of character i, `offsets[len(text)]` its length.

    Offsets never fall. `undone` counts what was undone by kind (`OBFUSCATIONS`); kinds that didn't occur are left out.
    """

    text: str
    offsets: tuple[int, ...]
    undone: Mapping[str, int]


@dataclass(slots=True)
class _Draft:
    """Characters during normalisation, each with its index in the original."""

    chars: list[str] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    undone: Counter[str] = field(default_factory=Counter)

    def add(self, chars: str, origins: Sequence[int]) -> None:
        self.chars.extend(chars)
        self.origins.extend(origins)


def normalise(text: str) -> Normalised:
    """Make a text plain; idempotent on the resulting text."""
    if text.isascii() and not _UNTIDY.search(text) and not _SPACED_OUT.search(text):
        return Normalised(text, tuple(range(len(text) + 1)), _NOTHING)
    draft = _thin_marks(_decompose(text))
    draft.undone["homoglyph"] = undisguise(draft.chars)
    draft.undone["whitespace"] = len(_ODD_SPACE.findall(text))
    draft = _join_letters(_compose(_fold_spaces(draft)))
    undone = {kind: count for kind, count in draft.undone.items() if count}
    return Normalised("".join(draft.chars), (*draft.origins, len(text)), undone)


def word_count(text: str) -> int:
    """Count the runs without space that hold a letter or digit; scripts without spaces count two letters a word."""
    if text.isascii() or not _UNSPACED.search(text):
        return len(_WORD.findall(text))
    spaced = _UNSPACED.sub(" ", text)
    return len(_WORD.findall(spaced)) + -(-len(_UNSPACED.findall(text)) // _LETTERS_PER_UNSPACED_WORD)


def byte_offsets(text: str) -> Sequence[int]:
    """UTF-8 byte offset of each character of `text`, and of its end: len(text) + 1 rising numbers."""
    if text.isascii():
        return range(len(text) + 1)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    widths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    offsets: list[int] = np.concatenate([[0], np.cumsum(widths)]).tolist()
    return offsets


def _decompose(text: str) -> _Draft:
    """Compatibility decomposition (NFKD) of all but emoji, invisible characters left out."""
    draft, position = _Draft(), 0
    for emoji in () if text.isascii() else EMOJI.finditer(text):
        _decompose_between(text, position, emoji.start(), draft)
        parts = [index for index in range(*emoji.span()) if text[index] not in FILLERS]
        draft.undone["format_character"] += len(emoji[0]) - len(parts)
        draft.add("".join(text[index] for index in parts), parts)
        position = emoji.end()
    _decompose_between(text, position, len(text), draft)
    return draft


def _decompose_between(text: str, start: int, stop: int, draft: _Draft) -> None:
    for index in range(start, stop):
        form, kind = plain(text[index])
        if kind == "format_character":
            base = next((char for char in reversed(draft.chars) if not _is_mark(char)), "")
            if is_needed(text, index, base):
                form, kind = text[index], ""
            elif is_innocent(text, index, base):
                kind = ""
        if kind:
            draft.undone[kind] += 1
        draft.add(form, [index] * len(form))


def _thin_marks(draft: _Draft) -> _Draft:
    """Drop strokes through letters, and marks stacked higher than any spelling does ("Zalgo")."""
    if not _MARK.search("".join(draft.chars)):
        return draft
    thin, base, height = _Draft(undone=draft.undone), " ", 0
    for char, origin in zip(draft.chars, draft.origins, strict=True):
        if not _is_mark(char):
            base, height = char, 0
        elif _MARK.match(char):
            if height == _MOST_MARKS or (base.isalnum() and _OVERLAY.match(char)):
                thin.undone["combining_mark"] += 1
                continue
            height += 1
        thin.add(char, [origin])
    return thin


def _fold_spaces(draft: _Draft) -> _Draft:
    """One space for each run of whitespace, none at the ends."""
    folded = _Draft(undone=draft.undone)
    for char, origin in zip(draft.chars, draft.origins, strict=True):
        if char != " " or (folded.chars and folded.chars[-1] != " "):
            folded.add(char, [origin])
    if folded.chars and folded.chars[-1] == " ":
        folded.chars.pop()
        folded.origins.pop()
    return folded


def _join_letters(draft: _Draft) -> _Draft:
    """Words written with a space after each letter joined; wider gaps in a run of letters separate its words."""
    while run := _SPACED_OUT.search("".join(draft.chars)):
        gaps = range(run.start() + 1, run.end(), 2)
        width = {gap: draft.origins[gap + 1] - draft.origins[gap - 1] for gap in gaps}
        narrow = min(width.values())
        kept = [index for index in range(len(draft.chars)) if width.get(index) != narrow]
        draft.chars, draft.origins = [draft.chars[index] for index in kept], [draft.origins[index] for index in kept]
        draft.undone["whitespace"] += 1
    return draft


def _compose(draft: _Draft) -> _Draft:
    """Canonical composition (NFC), cluster by cluster so that origins stay known."""
    if unicodedata.is_normalized("NFC", "".join(draft.chars)):
        return draft
    composed = _Draft(undone=draft.undone)
    starts = [index for index, char in enumerate(draft.chars) if not _attaches(char)] or [0]
    bounds = [0, *starts[starts[0] == 0 :], len(draft.chars)]
    for start, stop in pairwise(bounds):
        cluster = unicodedata.normalize("NFC", "".join(draft.chars[start:stop]))
        composed.add(cluster, draft.origins[start : start + len(cluster)])
    return composed


def _attaches(char: str) -> bool:
    """Whether a character may compose with the one before it: a combining mark, or a Hangul vowel or final."""
    return _is_mark(char) or "\u1160" <= char <= "\u11ff"


def _is_mark(char: str) -> bool:
    return char >= "\u0300" and unicodedata.category(char).startswith("M")
