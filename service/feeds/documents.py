"""Bytes to JSON values: line by line, or as one document of up to 64 MiB. Nothing here knows a feed's format."""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO, NoReturn

from service.errors import InvalidInput
from service.feeds.items import FeedError, error

MAX_LINE = 1 << 20
MAX_DOCUMENT = 64 << 20
_BLOCK = 1 << 16

Stream = Iterable[bytes] | BinaryIO
Line = tuple[int, bytes | None]
Located = tuple[str, object]


class Malformed(InvalidInput):
    """Bytes that are not JSON; `line` (counted from 1) is where reading stopped."""

    def __init__(self, problem: str, remedy: str, line: int = 1) -> None:
        super().__init__("", problem, remedy)
        self.line = line


def lines(stream: Stream, limit: int = MAX_LINE) -> Iterator[Line]:
    """Lines that are not blank, numbered from 1, without their ends; None for a line over `limit` bytes.

    The chunks of an iterable may break anywhere. Holds at most one line and one chunk.
    """
    number, pending, oversize = 1, bytearray(), False
    for block in _blocks(stream):
        *whole, rest = block.split(b"\n")
        for part in whole:
            content = None if oversize or len(pending) + len(part) > limit else bytes(pending) + part
            if content is None or content.strip():
                yield number, content
            number, oversize = number + 1, False
            pending.clear()
        oversize = oversize or len(pending) + len(rest) > limit
        if oversize:
            pending.clear()
        else:
            pending += rest
    if oversize or pending.strip():
        yield number, None if oversize else bytes(pending)


def json_lines(numbered: Iterable[Line], limit: int = MAX_LINE) -> Iterator[Located | FeedError]:
    """One JSON value a line, each with `line N`."""
    for number, content in numbered:
        try:
            value = load(content, limit)
        except InvalidInput as cause:
            yield error(f"line {number}", cause)
        else:
            yield f"line {number}", value


def documents(stream: Stream) -> Iterator[Located | FeedError]:
    """The JSON values of a stream that holds one document, or one a line; a single document is at the empty place."""
    numbered = lines(stream, MAX_DOCUMENT)
    head = next(numbered, None)
    if head is None:
        return
    following = next(numbered, None)
    if following is None:
        yield from _single([head])
    elif _is_json(head[1]):
        yield from json_lines(chain([head, following], numbered), MAX_DOCUMENT)
    else:
        yield from _single(_bounded(chain([head, following], numbered)))


def load(raw: bytes | None, limit: int = MAX_LINE) -> object:
    """The JSON value of `raw` (None: it was too long to hold). Raises `Malformed`."""
    if raw is None:
        raise Malformed(f"is over {limit:,} bytes", "split it")
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as cause:
        raise Malformed(f"is not UTF-8 at byte {cause.start:,}", "save it as UTF-8", _line(raw, cause.start)) from None
    except json.JSONDecodeError as cause:
        problem = f"is not JSON: {cause.msg} at column {cause.colno:,}"
        raise Malformed(problem, "fix the JSON", cause.lineno) from None
    except RecursionError:
        raise Malformed("is nested too deeply", "send flatter JSON") from None
    except ValueError as cause:
        raise Malformed(f"holds a number that JSON does not allow: {cause}", "write a smaller, finite number") from None


def _blocks(stream: Stream) -> Iterator[bytes]:
    read = getattr(stream, "read1", None) or getattr(stream, "read", None)
    return iter(stream) if read is None else iter(partial(read, _BLOCK), b"")


def _bounded(numbered: Iterable[Line]) -> list[Line]:
    """All lines, the last one None when together they are over the limit of a document."""
    kept: list[Line] = []
    size = 0
    for number, content in numbered:
        size += len(content or b"") + 1
        if size > MAX_DOCUMENT:
            return [*kept, (number, None)]
        kept.append((number, content))
    return kept


def _single(numbered: list[Line]) -> Iterator[Located | FeedError]:
    """One document; or, where that is not JSON and some line by itself is, one value a line."""
    try:
        yield "", load(_joined(numbered), MAX_DOCUMENT)
    except Malformed as cause:
        if any(_is_json(content) for _, content in numbered):
            yield from json_lines(numbered, MAX_DOCUMENT)
        else:
            yield error(f"line {cause.line}", cause)


def _joined(numbered: list[Line]) -> bytes | None:
    """The lines with blank ones back in their places, so that line numbers agree."""
    parts: list[bytes] = []
    for number, content in numbered:
        if content is None:
            return None
        parts += [b""] * (number - 1 - len(parts)) + [content]
    return b"\n".join(parts)


def _is_json(content: bytes | None) -> bool:
    """Whether a line is a JSON object or array of its own; such lines are seldom part of an indented document."""
    if content is None or len(content.strip()) < 3 or content.lstrip(b"\xef\xbb\xbf \t")[:1] not in (b"{", b"["):
        return False
    try:
        load(content, MAX_DOCUMENT)
    except Malformed:
        return False
    return True


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
