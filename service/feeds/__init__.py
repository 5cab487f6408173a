"""Feeds: pages of posts in the formats that platforms export become `Post`s. Pure: bytes in, posts and errors out.

What is not a post comes out as a `FeedError` with its place, and reading goes on.
"""

from collections.abc import Callable, Iterator

from service.errors import InvalidInput
from service.feeds import activitystreams, graph, instagram, jsonlines
from service.feeds.authors import Pseudonyms
from service.feeds.documents import Stream
from service.feeds.items import FeedError, Item

__all__ = ["FORMATS", "FeedError", "Item", "Pseudonyms", "Stream", "parse"]

_READERS: dict[str, Callable[[Stream, Pseudonyms], Iterator[Item]]] = {
    "graph": graph.read,
    "instagram": instagram.read,
    "activitystreams": activitystreams.read,
    "jsonl": jsonlines.read,
}
FORMATS = tuple(_READERS)
"""The names of the formats that `parse` knows."""

_PLAIN = Pseudonyms()


def parse(format: str, stream: Stream, authors: Pseudonyms = _PLAIN) -> Iterator[Item]:  # noqa: A002 - the word for it
    """Posts and errors of a feed, in the order of the feed and as it is read.

    `stream` is a binary file or any iterable of chunks. JSON lines are held one at a time (1 MiB each); the other
    formats one document at a time, which is the whole file unless it has a page a line. Raises `InvalidInput` for a
    format that is not one of `FORMATS`, at once; nothing in the feed raises.
    """
    reader = _READERS.get(format)
    if reader is None:
        raise InvalidInput("format", f"is {format[:40]!r}", f"name one of {', '.join(FORMATS)}")
    return reader(stream, authors)
