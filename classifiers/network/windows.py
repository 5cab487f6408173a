"""Splits a text into one or a few windows of tokens for the network.

A text longer than a window is cut into windows of even length; where that makes more than allowed, the windows
are spread evenly from the first token to the last and the gaps between them aren't read. Each window begins with the
begin token, and the network reads each separately.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding, Tokenizer

from classifiers.network.tokenizer import begin_of


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Tokens of a window, begin token included, and the most windows of a text."""

    tokens: int
    most: int


@dataclass(frozen=True, slots=True)
class Window:
    """A window's token ids, the begin token first, and the characters (of the normalised text) of each other."""

    ids: tuple[int, ...]
    characters: tuple[tuple[int, int], ...]


def windows(texts: Sequence[str], tokenizer: Tokenizer, rule: WindowRule) -> list[list[Window]]:
    """Windows of each normalised text; a text without tokens has one that holds the begin token alone."""
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    begin = begin_of(tokenizer)
    return [_cut(encoding, begin, rule) for encoding in encodings]


def _cut(encoding: Encoding, begin: int, rule: WindowRule) -> list[Window]:
    ids, characters = encoding.ids, encoding.offsets
    room = rule.tokens - 1
    count = max(1, -(-len(ids) // room))
    if count > rule.most:
        starts, length = np.linspace(0, len(ids) - room, rule.most).round().astype(int).tolist(), room
    else:
        length = -(-len(ids) // count)
        starts = [index * length for index in range(count)]
    return [
        Window((begin, *ids[start : start + length]), tuple(characters[start : start + length])) for start in starts
    ]
