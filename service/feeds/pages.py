"""Graph API pages, `{"data": [...], "paging": {...}}`, and the threads of comments in them.

The shape: https://developers.facebook.com/docs/graph-api/results. Facebook and Instagram share it.
"""

from collections.abc import Callable, Iterator
from functools import partial

from service.domain.post import Post
from service.errors import InvalidInput
from service.feeds.authors import MAX_DEPTH
from service.feeds.documents import Located, Stream, documents
from service.feeds.fields import Object, as_object
from service.feeds.items import FeedError, Item, attempt, error

_REPLIES = ("comments", "replies")

Read = Callable[[Object, str | None], Post]
"""Makes a post of an object; the second argument is the text it replies to, None where it is not a reply."""


def threads(stream: Stream, read: Read) -> Iterator[Item]:
    """The posts of all pages, each followed by its comments."""
    for found in _items(stream):
        if isinstance(found, FeedError):
            yield found
        else:
            yield from _thread(*found, read)


def _items(stream: Stream) -> Iterator[Located | FeedError]:
    """The objects in a page, an array of pages, or pages line by line; an object outside of a page is an item."""
    for found in documents(stream):
        if isinstance(found, FeedError):
            yield found
            continue
        where, value = found
        if isinstance(value, list):
            for index, page in enumerate(value):
                yield from _page(f"{where}[{index}]", page)
        else:
            yield from _page(where, value)


def _thread(where: str, value: object, read: Read) -> Iterator[Item]:
    """The post at `where` and, below it, its comments and their replies, each with the text it answers.

    A comment below a malformed post is read all the same, without that text.
    """
    waiting: list[tuple[str, object, str | None, int]] = [(where, value, None, 0)]
    while waiting:
        at, current, parent, depth = waiting.pop()
        item = attempt(at, partial(_read, read, current, parent))
        yield item
        answered = item.text if isinstance(item, Post) else ""
        for reply in reversed(list(_replies(at, current, depth))):
            if isinstance(reply, FeedError):
                yield reply
            else:
                waiting.append((*reply, answered, depth + 1))


def _read(read: Read, value: object, parent: str | None) -> Post:
    return read(as_object(value), parent)


def _page(where: str, value: object) -> Iterator[Located | FeedError]:
    if not isinstance(value, dict) or not value.keys() & {"data", "error"}:
        yield where, value
    elif "error" in value:
        yield FeedError(where or "document", "is an error of the API, not a page", "fetch the page again")
    else:
        yield from _data(where, value)


def _data(where: str, page: Object) -> Iterator[Located | FeedError]:
    place = f"{where}, data" if where.startswith("line") else f"{where}.data".lstrip(".")
    data = page.get("data")
    if not isinstance(data, list):
        yield FeedError(place, "is not an array", "send the items of the page as a JSON array")
        return
    for index, item in enumerate(data):
        yield f"{place}[{index}]", item


def _replies(where: str, value: object, depth: int) -> Iterator[Located | FeedError]:
    for key in _REPLIES:
        if not isinstance(value, dict) or value.get(key) is None:
            continue
        if depth == MAX_DEPTH:
            yield FeedError(
                f"{where}.{key}", f"are nested more than {MAX_DEPTH} deep", "send them as a page of their own"
            )
            continue
        try:
            page = as_object(value[key])
        except InvalidInput as cause:
            yield error(f"{where}.{key}", cause)
        else:
            yield from _data(f"{where}.{key}", page)
