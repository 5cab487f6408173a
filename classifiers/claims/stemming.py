"""English stems by Snowball (library PyStemmer). A stemmer is not thread-safe, so each thread has its own."""

import threading
from collections.abc import Sequence

from Stemmer import Stemmer

_REMEMBERED = 65536


class _Own(threading.local):
    def __init__(self) -> None:
        self.stemmer = Stemmer("english", _REMEMBERED)


_own = _Own()


def stemmed(words: Sequence[str]) -> list[str]:
    """The stem of each word."""
    found: list[str] = _own.stemmer.stemWords(list(words))
    return found
