"""The posts in a Meta-style webhook notification: `{"object": ..., "entry": [{"changes": [{"field", "value"}]}]}`.

Shapes: https://developers.facebook.com/docs/graph-api/webhooks/reference/page/#feed and
https://developers.facebook.com/docs/instagram-platform/webhooks/examples (which also puts `field` and `value` straight
into the entry). Posts have the names that the same posts have in `service.feeds.graph` and `.instagram`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from service.domain.post import Post
from service.errors import InvalidInput
from service.feeds import fields, graph, instagram
from service.feeds.authors import Pseudonyms
from service.feeds.items import Item, attempt, error

_ITEMS = frozenset({"post", "status", "comment", "photo", "video", "share", "link", "album", "note"})
_VERBS = frozenset({"add", "edited", "edit", "update"})
_INSTAGRAM = frozenset({"comments", "live_comments", "mentions"})


@dataclass(frozen=True, slots=True)
class Ignored:
    """A change that brings no words to judge, such as a like or a removal."""

    field: str
    item: str
    verb: str


Change = Item | Ignored


def changes(payload: object, authors: Pseudonyms, platform: str = graph.PLATFORM) -> Iterator[Change]:
    """The posts of a notification, in order. `platform` names posts of Pages; Instagram's are always `instagram`."""
    notifications = payload if isinstance(payload, list) else [payload]
    for notification in notifications:
        try:
            kind = fields.text(fields.as_object(notification), "object")
            entries = _listed(notification, "entry")
        except InvalidInput as cause:
            yield error("document", cause)
            continue
        for index, entry in enumerate(entries):
            yield from _entry(
                f"entry[{index}]", entry, kind, partial(graph.post, authors=authors, platform=platform), authors
            )


def _entry(where: str, entry: object, kind: str, page_post: partial[Post], authors: Pseudonyms) -> Iterator[Change]:
    try:
        listed = _listed(entry, "changes")
    except InvalidInput as cause:
        yield error(where, cause)
        return
    located = [(f"{where}.changes[{index}]", each) for index, each in enumerate(listed)]
    if isinstance(entry, dict) and "field" in entry:
        located.append((where, entry))
    for place, each in located:
        try:
            change = fields.as_object(each)
            field, value = fields.text(change, "field"), fields.child(change, "value")
        except InvalidInput as cause:
            yield error(place, cause)
            continue
        if kind == "instagram":
            yield _instagram(place, field, value, authors)
        else:
            yield _page(place, field, value, page_post)


def _page(where: str, field: str, value: fields.Object, page_post: partial[Post]) -> Change:
    item, verb = (found if isinstance(found := value.get(key), str) else "" for key in ("item", "verb"))
    if field != "feed" or item not in _ITEMS or verb not in _VERBS or not value.get("message"):
        return Ignored(field, item, verb)
    key = "comment_id" if item == "comment" else "post_id"
    named = {**{name: each for name, each in value.items() if name not in ("id", "comments")}, "id": value.get(key)}
    return attempt(where, lambda: page_post(named, "" if item == "comment" else None))


def _instagram(where: str, field: str, value: fields.Object, authors: Pseudonyms) -> Change:
    if field not in _INSTAGRAM or not value.get("text"):
        return Ignored(field, "", "")
    return attempt(where, lambda: instagram.post(value, "", authors))


def _listed(value: object, key: str) -> list[object]:
    found = fields.as_object(value).get(key, [])
    if not isinstance(found, list):
        raise InvalidInput(key, "is not an array", "send the notification as Meta writes it")
    return found
