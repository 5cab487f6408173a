"""Attacks on spacing: more of it between words and sentences, inside words, before punctuation, or too little."""

import random
import re

_SENTENCE_GAP = re.compile(r"(?<=[.!?]) (?=\S)")
_LONG_WORD = re.compile(r"(?<![\w@#/.])[A-Za-z]{5,}(?![\w@/]|\.\w)")
_TOKENISED = re.compile(r"(?<=\w)(?=[,.!?;:](?:\s|$))")
_WORD_GAP = re.compile(r"(?<=[A-Za-z,]) (?=[A-Za-z])")


def insert_spaces(text: str, rng: random.Random, rate: float) -> str:
    """A second space after a share of the words."""
    return " ".join(word + " " if rng.random() < rate else word for word in text.split(" "))


def insert_paragraphs(text: str, rng: random.Random, rate: float) -> str:
    """A blank line before a share of the sentences."""
    return _SENTENCE_GAP.sub(lambda found: " \n\n" if rng.random() < rate else found[0], text)


def split_words(text: str, rng: random.Random, rate: float) -> str:
    """A space within a share of the words of five letters and more."""
    return _LONG_WORD.sub(lambda found: _split(found[0], rng) if rng.random() < rate else found[0], text)


def join_words(text: str, rng: random.Random, rate: float) -> str:
    """A share of the spaces between words left out."""
    return _WORD_GAP.sub(lambda found: "" if rng.random() < rate else found[0], text)


def split_punctuation(text: str, rng: random.Random, rate: float) -> str:
    """A space before a share of the punctuation, as tokenised corpora have."""
    return _TOKENISED.sub(lambda found: " " if rng.random() < rate else "", text)


def _split(word: str, rng: random.Random) -> str:
    place = rng.randrange(2, len(word) - 1)
    return f"{word[:place]} {word[place:]}"
