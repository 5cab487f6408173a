"""Attacks on words: synonyms, American and British spelling, misspellings, articles and numbers."""

import random
import re
from collections.abc import Callable

from classifiers.attacks.tables import Options, phrases, spellings, synonyms

# Phrases that a swapped word would break count as one word, which is in no table.
_FIXED = (
    "at (?:all|first|large|last|least|most)|because of|in (?:fact|general|order|other words|short)|going to|have to|"
    "kind of|of course|once again|rather than|right now|such as|turns? out|used to|want to be"
)
_WORD = re.compile(rf"(?<![@#\w/.'-])(?:(?:{_FIXED})\b|[A-Za-z]+(?:'[a-z]+)?)(?![\w@/-]|\.\w|:/)")
_NAME = re.compile(r"(?<![.!?:] )(?<!^)(?<!^[\"'(])[A-Z]")
_ARTICLE = re.compile(r"\b(?:a|an|the) ", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_INDEFINITE = re.compile(r"\b([Aa])n? $")
_SHORTEST_TYPO = 4
_KEYS = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for place, key in enumerate(row)
}


def replace_synonyms(text: str, rng: random.Random, rate: float) -> str:
    """Replace a share of the words with synonyms, where the table has some."""
    return _exchange(text, rng, rate, synonyms(), names=False)


def swap_spelling(text: str, rng: random.Random, rate: float) -> str:
    """American for British spelling and the reverse, in a share of the words that have both."""
    known = spellings()
    return _WORD.sub(
        lambda found: _other_spelling(found[0], known) if rate >= 1 or rng.random() < rate else found[0], text
    )


def misspell(text: str, rng: random.Random, rate: float) -> str:
    """Misspell a share of the words: with a common misspelling of the table, else a typing slip."""
    return _exchange(text, rng, rate, phrases("misspellings"), otherwise=_typo)


def delete_articles(text: str, rng: random.Random, rate: float) -> str:
    """Leave out a share of the articles."""
    return _ARTICLE.sub(lambda found: "" if rng.random() < rate else found[0], text)


def swap_numbers(text: str, rng: random.Random, rate: float) -> str:
    """Other digits in a share of the numbers, as many as before."""
    return _NUMBER.sub(lambda found: _other_digits(found[0], rng) if rng.random() < rate else found[0], text)


def _exchange(
    text: str,
    rng: random.Random,
    rate: float,
    options: Options,
    *,
    otherwise: Callable[[str, random.Random], str] | None = None,
    names: bool = True,
) -> str:
    """Replace a share `rate` of the words, drawn among those with options (or long enough for `otherwise`).

    Without `names`, words that are capitalised within a sentence are left alone.
    """
    words = list(_WORD.finditer(text))
    able = [
        found
        for found in words
        if (found[0].lower() in options or (otherwise and found.end() - found.start() >= _SHORTEST_TYPO))
        and (names or not _NAME.match(text, found.start()))
    ]
    wanted = min(len(able), int(len(words) * rate + rng.random()))
    pieces, position = [], 0
    for found in sorted(rng.sample(able, wanted), key=lambda found: found.start()):
        chosen = options.get(found[0].lower())
        new = _like(rng.choice(chosen), found[0]) if chosen else otherwise(found[0], rng) if otherwise else found[0]
        pieces += [_fitting(text[position : found.start()], new), new]
        position = found.end()
    return "".join(pieces) + text[position:]


def _like(new: str, old: str) -> str:
    """`new` in the case of `old`."""
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _other_spelling(word: str, known: Options) -> str:
    other = known.get(word.lower())
    return _like(other[0], word) if other else word


def _typo(word: str, rng: random.Random) -> str:
    """One slip: two letters swapped, one left out, doubled, or replaced by its neighbour on the keyboard."""
    place = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slip = rng.randrange(4)
    if slip == 0:
        return before + after[0] + letter + after[1:]
    if slip == 1:
        return before + after
    return before + (letter * 2 if slip == 2 else rng.choice(_KEYS.get(letter, letter))) + after


def _other_digits(number: str, rng: random.Random) -> str:
    """Random digits for digits; the first isn't zero unless it was."""
    digits = [rng.choice("0123456789") if char.isdigit() else char for char in number]
    if number[0] != "0" and digits[0] == "0":
        digits[0] = rng.choice("123456789")
    return "".join(digits)


def _fitting(before: str, word: str) -> str:
    """The text before a word, its last "a" or "an" adapted to the word's first letter."""
    return _INDEFINITE.sub(lambda found: found[1] + ("n " if word[0] in "aeioAEIO" else " "), before)
