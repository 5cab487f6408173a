"""JSON lines in, one JSON object a line out, in the same order: scoring without a server.

A line is an object with `text` (and `id`, kept as it is). A line that can't be scored yields an object
with `line` and `error`. Memory is bounded: lines are read, scored and written a chunk at a time, whatever their
number; a line far longer than any allowed text is refused without being kept.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Protocol

from classifiers.detector import Detector, Document, Reading
from classifiers.labels import AI_GENERATED, MISINFORMATION, POLICY_LABELS

MOST_CHARACTERS = 20_000
_MOST_LINE_BYTES = 1 << 20
_CHUNK = 256
_DIGITS = 6


class Sink(Protocol):
    """The sink of lines."""

    def write(self, line: str, /) -> object:
        """Write a line with its end."""

    def flush(self) -> object:
        """Pass on what was written."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line: its number from 1, and either a text with its id (None if it had none) or an error."""

    line: int
    text: str = ""
    id: object = None
    error: str = ""


def score_lines(detector: Detector, source: BinaryIO, sink: Sink) -> bool:
    """Score every line of `source`; returns whether all of them could be scored."""
    items, clean = _items(_lines(source)), True
    while chunk := list(islice(items, _CHUNK)):
        readings = iter(detector.score([Document(item.text) for item in chunk if not item.error], explain=False))
        for item in chunk:
            answer = _refusal(item) if item.error else _answer(item, next(readings), detector.version)
            sink.write(json.dumps(answer, ensure_ascii=False) + "\n")
            clean = clean and not item.error
        sink.flush()
    return clean


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Lines of a stream, None in place of one that is longer than any that can hold an allowed text."""
    while line := source.readline(_MOST_LINE_BYTES):
        whole = line.endswith(b"\n") or len(line) < _MOST_LINE_BYTES
        while not whole:
            rest = source.readline(_MOST_LINE_BYTES)
            whole = rest.endswith(b"\n") or len(rest) < _MOST_LINE_BYTES
            line = b""
        yield line or None


def _items(lines: Iterable[bytes | None]) -> Iterator[Item]:
    for number, line in enumerate(lines, start=1):
        try:
            fields = _object(line)
            yield Item(number, _text(fields), fields.get("id"))
        except ValueError as error:
            yield Item(number, error=str(error))


def _object(line: bytes | None) -> dict[str, object]:
    """The object on a line; ValueError if there is none."""
    if line is None:
        raise ValueError(f"line is over {_MOST_LINE_BYTES:,} bytes; a text may have {MOST_CHARACTERS:,} characters")
    try:
        fields = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object with `text`")  # noqa: TRY004  (one kind of error, one message)
    return fields


def _text(fields: dict[str, object]) -> str:
    """The text of an object, checked; ValueError says what is wrong with it."""
    text = fields.get("text")
    if text is None:
        raise ValueError("`text` is missing")
    if not isinstance(text, str):
        raise ValueError(f"`text` is not a string but {type(text).__name__}")  # noqa: TRY004
    if not text.strip():
        raise ValueError("`text` is empty")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"`text` has {len(text):,} characters, over {MOST_CHARACTERS:,}")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("`text` holds half of a surrogate pair; encode it as UTF-8")
    return text


def _refusal(item: Item) -> dict[str, object]:
    return {"line": item.line, "error": item.error}


def _answer(item: Item, reading: Reading, version: str) -> dict[str, object]:
    def probability(label: str) -> float:
        return round(reading.signals[label].probability, _DIGITS)

    return {
        "id": item.id,
        "ai_generated": probability(AI_GENERATED),
        "misinformation": probability(MISINFORMATION),
        "policy": {label: probability(label) for label in POLICY_LABELS},
        "obfuscation": dict(reading.obfuscation),
        "words": reading.words,
        "language": reading.language,
        "abstain": list(reading.abstain),
        "model_version": version,
    }
