"""Which objects an ActivityStreams document holds: through collections, pages, activities and embedded replies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from service.errors import InvalidInput
from service.feeds import fields
from service.feeds.authors import MAX_DEPTH

_COLLECTIONS = frozenset({"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"})
_SPOKEN = frozenset({"Create", "Update", "Announce"})
_SILENT = frozenset(
    {
        "Accept",
        "Add",
        "Arrive",
        "Block",
        "Delete",
        "Dislike",
        "EmojiReact",
        "Flag",
        "Follow",
        "Ignore",
        "Invite",
        "Join",
    }
    | {"Leave", "Like", "Listen", "Move", "Offer", "Read", "Reject", "Remove", "TentativeAccept", "TentativeReject"}
    | {"Tombstone", "Travel", "Undo", "View"}
)


@dataclass(frozen=True, slots=True)
class Authored:
    """An object with what the activity around it adds where the object itself says nothing."""

    object: fields.Object
    actor: str = ""
    published: datetime | None = None


def objects(where: str, value: object) -> Iterator[tuple[str, object]]:
    """Objects below `value` in reading order, each before its embedded replies: `Authored`, or another value."""
    waiting: list[tuple[str, object, int]] = [(where, value, 0)]
    while waiting:
        at, current, depth = waiting.pop()
        below = list(_members(at, current)) if depth < MAX_DEPTH else []
        if depth == MAX_DEPTH or not _is_collection(current):
            found = _authored_or_none(current)
            yield at, found or current
            below += list(_replies(at, found.object)) if found and depth < MAX_DEPTH else []
        waiting += [(*each, depth + 1) for each in reversed(below)]


def authored(value: object) -> Authored:
    """`value` as an object, taken out of the Create, Update or Announce around it. Raises `InvalidInput`."""
    item = fields.as_object(value)
    kind = _kind(item)
    if kind in _SILENT:
        raise InvalidInput("type", f"is {kind}, which carries no words", "nothing to do")
    if kind not in _SPOKEN:
        return Authored(item)
    inner = item.get("object")
    if isinstance(inner, str):
        raise InvalidInput("object", f"of {kind} is a link, not the object itself", "send the object embedded")
    actor = item.get("actor") if kind != "Announce" else None  # the announcer is not the author
    found = fields.as_object(inner, "object")
    return Authored(found, actor if isinstance(actor, str) else "", fields.time(item, "published"))


def _authored_or_none(value: object) -> Authored | None:
    try:
        return authored(value)
    except InvalidInput:
        return None


def _is_collection(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and _kind(value) in _COLLECTIONS)


def _members(where: str, value: object) -> Iterator[tuple[str, object]]:
    """The items of a collection or array, and its first page where that is embedded."""
    if isinstance(value, list):
        yield from ((f"{where}[{index}]", each) for index, each in enumerate(value))
    elif isinstance(value, dict) and _is_collection(value):
        place = f"{where}, " if where.startswith("line") else f"{where}." if where else ""
        for key in ("orderedItems", "items"):
            listed = value.get(key)
            if listed is not None:
                several = listed if isinstance(listed, list) else [listed]
                yield from ((f"{place}{key}[{index}]", each) for index, each in enumerate(several))
        if isinstance(value.get("first"), dict):
            yield f"{place}first", value["first"]


def _replies(where: str, item: fields.Object) -> Iterator[tuple[str, object]]:
    """Replies that are embedded as objects; those given by address only are elsewhere."""
    replies = item.get("replies")
    for key, holder in (
        ("replies", replies),
        ("replies.first", replies.get("first") if isinstance(replies, dict) else None),
    ):
        if isinstance(holder, dict) and _is_collection(holder):
            members = _members(f"{where}.{key}", {**holder, "first": None})
            yield from (each for each in members if not isinstance(each[1], str))


def _kind(item: fields.Object) -> str:
    """The object's type; of several the first."""
    kind = item.get("type")
    first = kind[0] if isinstance(kind, list) and kind else kind
    return first if isinstance(first, str) else ""
