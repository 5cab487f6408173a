"""JSON with claims in it, a value a line or one document: plain records, ClaimReviews, and containers of them."""

from collections.abc import Iterable, Iterator

from service.claims.files import records, reviews
from service.claims.files.items import Item, Note, attempt, error
from service.domain.claim import Claim
from service.errors import InvalidInput
from service.feeds import fields
from service.feeds.documents import Malformed, lines, load

_MAX_DOCUMENT = 1 << 30
_HOLDERS = ("dataFeedElement", "@graph", "item")
_MAX_DEPTH = 8


def read_lines(chunks: Iterable[bytes], note: Note) -> Iterator[Item]:
    """The claims of each line; one line is in memory at a time."""
    once = _Once(note)
    for number, content in lines(chunks):
        where = f"line {number}"
        try:
            value = load(content)
        except InvalidInput as cause:
            yield error(where, cause)
        else:
            yield from _items(where, value, once)


def read_document(chunks: Iterable[bytes], note: Note) -> Iterator[Item]:
    """The claims of one JSON document of up to 1 GiB."""
    try:
        value = load(_whole(chunks), _MAX_DOCUMENT)
    except Malformed as cause:
        yield error(f"line {cause.line}", cause)
    else:
        yield from _items("", value, _Once(note))


def _whole(chunks: Iterable[bytes]) -> bytes | None:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > _MAX_DOCUMENT:
            return None
    return bytes(held)


class _Once:
    """Passes each note on once."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._noted: set[str] = set()

    def __call__(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)


def _items(where: str, value: object, note: Note) -> Iterator[Item]:
    for path, found in _members("", value):
        kinds = _kinds(found)
        if isinstance(found, dict) and kinds and reviews.TYPE not in kinds and "claimReviewed" not in found:
            note(f"{', '.join(sorted(kinds))[:80]}: not a ClaimReview, skipped")
        else:
            at = ", ".join(filter(None, (where, path)))
            yield attempt(at, lambda found=found: _claim(found, note))  # type: ignore[misc]


def _members(where: str, value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """The members of arrays, feeds and graphs, each with its place; anything else is its own only member."""
    inner: list[tuple[str, object]] = []
    if isinstance(value, list):
        inner = [(f"{where}[{index}]", each) for index, each in enumerate(value)]
    elif isinstance(value, dict) and "claim" not in value and "claimReviewed" not in value:
        held = [key for key in _HOLDERS if isinstance(value.get(key), dict | list)]
        inner = [(f"{where}.{key}".lstrip("."), value[key]) for key in held]
        if not held:
            yield where, value
    else:
        yield where, value
    if depth == _MAX_DEPTH:
        yield from inner
        return
    for at, each in inner:
        yield from _members(at, each, depth + 1)


def _kinds(value: object) -> set[str]:
    """The types that a JSON-LD object names, without the vocabulary before them."""
    named = value.get("@type") if isinstance(value, dict) else None
    listed = named if isinstance(named, list) else [named]
    return {kind.rpartition("/")[2].rpartition(":")[2] for kind in listed if isinstance(kind, str)}


def _claim(value: object, note: Note) -> Claim:
    record = fields.as_object(value)
    if "claimReviewed" in record or reviews.TYPE in _kinds(record):
        return reviews.claim_of(record)
    for name in sorted(record.keys() - {*records.FIELDS}):
        note(f"field {name[:80]!r} is ignored")
    return records.claim_of(record)
