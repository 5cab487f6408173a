"""Files of fact-checked claims: ClaimReview JSON-LD, CSV and JSON lines become `Claim`s. Pure: bytes in, claims out.

What is not a claim comes out as a `ClaimFileError` with its place, and reading goes on.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import PurePath

from service.claims.files import json_files, table
from service.claims.files.items import ClaimFileError, Item, Note
from service.errors import InvalidInput
from service.feeds.documents import MAX_LINE, Malformed, load

__all__ = ["FORMATS", "ClaimFileError", "Item", "Note", "read"]

_READERS: dict[str, Callable[[Iterable[bytes], Note], Iterator[Item]]] = {
    "csv": table.read,
    "jsonl": json_files.read_lines,
    "jsonld": json_files.read_document,
}
FORMATS = tuple(_READERS)
"""The names of the formats that `read` knows."""

_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_GZIP = b"\x1f\x8b"


def _unheard(_: str) -> None:
    """Discards notes."""


def read(
    stream: io.BufferedReader,
    name: str = "",
    format: str = "",  # noqa: A002 - the word for it
    note: Note = _unheard,
) -> Iterator[Item]:
    """Claims and errors of a file in its order, as it is read; gzip is unpacked. A file without either yields an error.

    `format` is one of `FORMATS`; where it is empty, the file's `name` and content decide. CSV and JSON lines
    are held one row at a time, a JSON-LD document whole. `note` is called, once each, with what is ignored.
    Raises `InvalidInput` for an unknown format, at once; nothing in the file raises.
    """
    if format and format not in FORMATS:
        raise InvalidInput("format", f"is {format[:40]!r}", f"name one of {', '.join(FORMATS)}")
    return _items(stream, name, format, note)


def _items(stream: io.BufferedReader, name: str, chosen: str, note: Note) -> Iterator[Item]:
    empty = True
    try:
        lines = _lines(stream)
        head = _head(lines)
        for item in _READERS[chosen or _format(name, head)](chain(head, lines), note):
            empty = False
            yield item
    except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
        yield ClaimFileError("file", f"is damaged gzip: {cause}", "fetch it again")
        return
    if empty:
        yield ClaimFileError("file", "holds no claims", "check that it is the right file")


def _lines(stream: io.BufferedReader) -> Iterator[bytes]:
    """Lines with their ends; longer ones than a row may be come in pieces."""
    zipped = stream.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
    source = gzip.GzipFile(fileobj=stream) if zipped else stream
    return iter(partial(source.readline, MAX_LINE), b"")


def _head(lines: Iterator[bytes]) -> list[bytes]:
    """The lines up to the first that is not blank."""
    head: list[bytes] = []
    for line in lines:
        head.append(line)
        if line.strip():
            break
    return head


def _format(name: str, head: list[bytes]) -> str:
    suffix = PurePath(name.lower().removesuffix(".gz")).suffix
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    first = head[-1].lstrip(b"\xef\xbb\xbf \t") if head else b""
    if first[:1] not in {b"{", b"["}:
        return "jsonld" if suffix in {".json", ".jsonld"} else "csv"
    try:
        load(first)
    except Malformed:
        return "jsonld"
    return "jsonl"
