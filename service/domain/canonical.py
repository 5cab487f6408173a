"""A text's canonical form, which is digested and judged, and the mapping of its offsets back to the original.

Canonical text is NFC with every run of white space folded to one space and the ends stripped. Nothing that the
classifiers can tell apart is folded: deeper normalisation (homoglyphs, format characters) is theirs.
"""

import hashlib
import unicodedata
from bisect import bisect_right
from itertools import accumulate

_SEPARATOR = "\x1f"  # refused in every field that is digested, so that no two inputs join to the same bytes


def canonical(text: str) -> str:
    """The canonical form of `text`; idempotent."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def digest(*parts: str) -> str:
    """128-bit BLAKE2b of the parts in order, as 32 hex characters."""
    joined = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).hexdigest()


def content_digest(text: str, context: str) -> str:
    """Digest of canonical text and context."""
    return digest(canonical(text), canonical(context))


def fingerprint(content: str, *attributes: str) -> str:
    """Digest of a content digest and the attributes that a decision depends on."""
    return digest(content, *attributes)


class Alignment:
    """Relates byte offsets in the canonical text to byte offsets in the original, word by word.

    NFC never joins or splits words, so the k-th word of one is the k-th word of the other. Spans that begin or end
    inside a word that NFC changed are widened to the whole word.
    """

    def __init__(self, original: str) -> None:
        self._same = canonical(original) == original
        if self._same:
            return
        self._words = _words(original)
        self._canonical = [unicodedata.normalize("NFC", word) for word, _ in self._words]
        lengths = [len(word.encode("utf-8")) + 1 for word in self._canonical]
        self._starts = [0, *accumulate(lengths)]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Bytes [start, end) of the canonical text, as bytes of the original."""
        if self._same or not self._words:
            return start, end
        begin = self._map(start, leading=True)
        return begin, max(begin, self._map(end, leading=False))

    def _map(self, offset: int, *, leading: bool) -> int:
        position = offset if leading else max(offset - 1, 0)
        index = min(bisect_right(self._starts, position) - 1, len(self._words) - 1)
        word, begin = self._words[index]
        inside, size = offset - self._starts[index], len(word.encode("utf-8"))
        if word == self._canonical[index]:
            return begin + min(inside, size)
        at_end = inside >= len(self._canonical[index].encode("utf-8"))
        return begin + size if at_end or (inside and not leading) else begin


def _words(text: str) -> list[tuple[str, int]]:
    """Words of `text` with the byte at which each begins."""
    found: list[tuple[str, int]] = []
    position = consumed = 0
    for word in text.split():
        at = text.index(word, position)
        consumed += len(text[position:at].encode("utf-8"))
        found.append((word, consumed))
        consumed += len(word.encode("utf-8"))
        position = at + len(word)
    return found
