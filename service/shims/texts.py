"""Texts as the two APIs take them, made into posts: what a post may not hold is replaced, not refused.

Both APIs take any string, so a control character becomes a space and half a surrogate pair U+FFFD. Each replaces one
UTF-16 code unit by one, so offsets stay true.
"""

import unicodedata

from service.domain.canonical import Alignment, digest
from service.domain.post import Post, Surface
from service.domain.validation import CONTROL, SURROGATE


def cleaned(text: str) -> str:
    """The text without control characters and halves of surrogate pairs, of the same length."""
    return SURROGATE.sub("�", CONTROL.sub(" ", text))


def is_blank(text: str) -> bool:
    """Whether there is nothing in it to read."""
    return all(one.isspace() or unicodedata.category(one) in {"Cf", "Cc", "Mn"} for one in text)


def post(platform: str, text: str, *parts: str, metadata: dict[str, str] | None = None) -> Post:
    """A comment with this clean text; the same text and `parts` make the same name, so that a repeated call is one."""
    name = digest(text, *map(cleaned, parts))
    return Post(platform=platform, id=name, text=text, surface=Surface.COMMENT, metadata=metadata or {})


class Offsets:
    """Offsets into the canonical form of a text, in bytes, as offsets into the text in UTF-16 code units."""

    def __init__(self, text: str) -> None:
        self._encoded, self._alignment = text.encode(), Alignment(text)

    def units(self, start: int, end: int) -> tuple[int, int]:
        """Where bytes [start, end) of the canonical text lie."""
        begin, until = self._alignment.original(start, end)
        return self._count(begin), self._count(until)

    def _count(self, position: int) -> int:
        return utf16_length(self._encoded[:position].decode(errors="ignore"))


def utf16_length(text: str) -> int:
    """How many UTF-16 code units the text takes."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
