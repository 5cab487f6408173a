"""Rates a publisher's verdict by its own words or, failing that, by ClaimReview's scale. Pure.

The words of `service.claims.verdict_words` are found clause by clause; a negation or a degree ("half", "mostly") close
by changes what they say. The first that is found counts, except that true together with false or misleading
is misleading. Clauses of more than eight words explain rather than judge and are not read. Whatever stays in doubt
is `UNRATED`: such a claim is matched and shown, and has no effect.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from service.claims import verdict_words
from service.domain.claim import Rating

Words = tuple[str, ...]


class _Degree(Enum):
    NEGATED = auto()
    WHOLLY = auto()
    MOSTLY = auto()
    PARTLY = auto()


class _Found(NamedTuple):
    """Words [start, end) of a clause and what they say."""

    start: int
    end: int
    phrase: Words
    says: Rating | _Degree


_LONGEST_CLAUSE, _NEAR = 8, 3  # words
_LETTERS = str.maketrans({"ı": "i", "ł": "l", "đ": "d", "ø": "o"})  # those that do not decompose
_MARKS = {*range(0x0300, 0x0370), *range(0x064B, 0x0656), 0x093C}  # accents, Arabic vowels and hamzas, the nukta


def rating(verdict: str, value: float | None = None, best: float | None = None, worst: float | None = None) -> Rating:
    """The rating of `verdict`; if it says nothing, that of `value` from `worst` (1 if None) to `best` (5 if None).

    The defaults are those of https://schema.org/Rating. The lowest fifth of a scale is FALSE, the upper quarter TRUE:
    on the usual one 1 is false, 3 half true and 5 true. A value off its scale is ignored.
    """
    said = [found for clause in _clauses(verdict) if len(clause) <= _LONGEST_CLAUSE for found in _ratings(clause)]
    if not said:
        return _on_scale(value, 5.0 if best is None else best, 1.0 if worst is None else worst)
    if said[0] is Rating.TRUE and {Rating.FALSE, Rating.MISLEADING} & {*said}:
        return Rating.MISLEADING
    return said[0]


def _on_scale(value: float | None, best: float, worst: float) -> Rating:
    if value is None or best == worst or not min(best, worst) <= value <= max(best, worst):
        return Rating.UNRATED
    share = (value - worst) / (best - worst)
    if share <= 0.2:
        return Rating.FALSE
    return Rating.TRUE if share >= 0.75 else Rating.MISLEADING


def _clauses(text: str) -> Iterator[Words]:
    """The words of `text` between punctuation marks, without case and accents; hyphens and apostrophes part words."""
    folded = unicodedata.normalize("NFKD", text.replace(" - ", ";").casefold()).translate(_LETTERS)
    for clause in "".join(map(_plain, folded)).split("\n"):
        if words := tuple(clause.split()):
            yield words


def _plain(character: str) -> str:
    """A letter or digit itself, nothing for a mark that is folded, a space within a clause, a line end between two."""
    if ord(character) in _MARKS:
        return ""
    kind = unicodedata.category(character)
    if kind[0] in "LMN":
        return character
    return " " if kind in {"Pd", "Pc", "Zs", "Cf"} or character in "'’`" else "\n"


def _phrases(listed: str) -> list[Words]:
    return [words for phrase in listed.split(",") for words in _clauses(" ".join(phrase.split()))]


_SAYS: dict[Words, Rating | _Degree] = {
    phrase: says
    for says, listed in (
        (Rating.TRUE, verdict_words.TRUE),
        (Rating.FALSE, verdict_words.FALSE),
        (Rating.MISLEADING, verdict_words.MISLEADING),
        (Rating.UNRATED, verdict_words.UNRATED),
        (_Degree.NEGATED, verdict_words.NEGATED),
        (_Degree.WHOLLY, verdict_words.WHOLLY),
        (_Degree.MOSTLY, verdict_words.MOSTLY),
        (_Degree.PARTLY, verdict_words.PARTLY),
    )
    for phrase in _phrases(listed)
}
_BEHIND = frozenset(_phrases(verdict_words.BEHIND))
_LONGEST_PHRASE = max(map(len, _SAYS))


def _ratings(clause: Words) -> Iterator[Rating]:
    """What is said in one clause, in order."""
    found = list(_find(clause))
    for index, each in enumerate(found):
        if isinstance(each.says, Rating):
            yield _changed(each.says, _degrees(found, index))


def _find(clause: Words) -> Iterator[_Found]:
    """Known phrases from left to right, at each place the longest."""
    at = 0
    while at < len(clause):
        ends = range(min(at + _LONGEST_PHRASE, len(clause)), at, -1)
        end = next((end for end in ends if clause[at:end] in _SAYS), 0)
        if end:
            yield _Found(at, end, clause[at:end], _SAYS[clause[at:end]])
        at = end or at + 1


def _degrees(found: Sequence[_Found], index: int) -> set[_Degree]:
    """The degrees right before the phrase at `index`, and one after it where its language puts it there."""
    degrees, start = set(), found[index].start
    for before in reversed(found[:index]):
        if isinstance(before.says, Rating) or start - before.end >= _NEAR:
            break
        degrees.add(before.says)
        start = before.start
    behind = found[index + 1] if index + 1 < len(found) else None
    if behind and behind.start == found[index].end and behind.phrase in _BEHIND and isinstance(behind.says, _Degree):
        degrees.add(behind.says)
    return degrees


def _changed(said: Rating, degrees: set[_Degree]) -> Rating:
    """What a word says under these degrees: half true and mostly false mislead, not true is false."""
    if said in {Rating.MISLEADING, Rating.UNRATED} or not degrees:
        return Rating.UNRATED if _Degree.NEGATED in degrees else said
    if _Degree.PARTLY in degrees or (_Degree.NEGATED in degrees and len(degrees) > 1):
        return Rating.MISLEADING
    if said is Rating.TRUE:
        return Rating.FALSE if _Degree.NEGATED in degrees else Rating.TRUE
    if _Degree.NEGATED in degrees:
        return Rating.UNRATED
    return Rating.MISLEADING if _Degree.MOSTLY in degrees else Rating.FALSE
