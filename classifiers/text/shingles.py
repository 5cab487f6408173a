"""Texts as sets of shingles, to find near-duplicates.

A shingle is a run of three words, or of five characters in a text of under 20 words, where one changed word would
change most runs of three. Long texts are compared by their first 100 words.
"""

from zlib import crc32

_SHORT_WORDS, _MOST_WORDS = 20, 100
_WORD_RUN, _CHARACTER_RUN = 3, 5


def shingles(text: str) -> frozenset[int]:
    """Hashes (32 bits) of a text's shingles, letters in lower case. They are fixed: the same on every machine."""
    words = text.lower().split()[:_MOST_WORDS]
    return _of_words(words) if len(words) >= _SHORT_WORDS else _of_characters(" ".join(words).encode())


def _of_words(words: list[str]) -> frozenset[int]:
    runs = (words[start : start + _WORD_RUN] for start in range(len(words) - _WORD_RUN + 1))
    return frozenset(crc32(" ".join(run).encode()) for run in runs)


def _of_characters(line: bytes) -> frozenset[int]:
    starts = range(max(len(line) - _CHARACTER_RUN, 0) + 1)
    return frozenset(crc32(line[start : start + _CHARACTER_RUN]) for start in starts)
