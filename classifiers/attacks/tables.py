"""Vocabulary of the word attacks, read once from the text files in `tables/`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from classifiers.attacks.inflection import forms

Options = Mapping[str, tuple[str, ...]]
"""Replacements of a lower-case word."""

_INFLECTED = ("verbs", "nouns")
_PLAIN = ("adjectives", "adverbs")


@cache
def synonyms() -> Options:
    """Words of one group replace one another in most contexts, in each of their forms."""
    irregular = {line.split()[0]: tuple(line.split()[1:]) for line in _lines("irregular")}
    options: dict[str, list[str]] = defaultdict(list)
    for name in (*_INFLECTED, *_PLAIN):
        for line in _lines(name):
            group = line.split(", ")
            for column in zip(*(forms(word, name, irregular) for word in group), strict=True):
                _exchange(options, column)
    return {word: tuple(dict.fromkeys(others)) for word, others in options.items() if others}


@cache
def phrases(name: str) -> Options:
    """A table of lines `word: other, other`: "misspellings", "contractions", "connectives" or "translated"."""
    pairs = (line.split(": ") for line in _lines(name))
    return {word: tuple(others.split(", ")) for word, others in pairs}


@cache
def spellings() -> Options:
    """The American spelling of a British word, and the reverse."""
    options: dict[str, tuple[str, ...]] = {}
    for line in _lines("spellings"):
        american, british = line.split(" ", 1)
        for us, uk in zip(_plain_forms(american), _plain_forms(british), strict=True):
            options.setdefault(us, (uk,))
            options.setdefault(uk, (us,))
    return options


def _exchange(options: dict[str, list[str]], column: tuple[tuple[str, bool], ...]) -> None:
    """Let the forms of a column replace each other; a form that is only sometimes right is never inserted."""
    for word, _ in column:
        if " " not in word:
            options[word] += [other for other, safe in column if safe and other != word]


def _plain_forms(word: str) -> tuple[str, ...]:
    """A word and, for a verb in -ise or -ize, its derivations."""
    if word.endswith(("ize", "ise", "yze", "yse")):
        return word, word + "s", word + "d", word[:-1] + "ing"
    return (word, word + "s") if word.endswith(("or", "our")) else (word,)


def _lines(name: str) -> Iterator[str]:
    return iter(resources.files("classifiers.attacks").joinpath(f"tables/{name}.txt").read_text("utf-8").splitlines())
