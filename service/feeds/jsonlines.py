"""Plain JSON lines: one object a line with at least `text`.

Known fields: id, platform, surface, author, locale, region, created_at, metadata, and the context's parent_text,
link_title, image_alt, image_text and digital_source_type, either in `context` or next to `text`. A line without `id`
gets one from its number and its text, so that sending the same file again submits the same posts and equal lines stay
distinct.
"""

from collections.abc import Iterator
from dataclasses import fields as dataclass_fields

from service.domain.canonical import digest
from service.domain.post import Context, Post, Surface
from service.errors import InvalidInput
from service.feeds import fields
from service.feeds.authors import Pseudonyms
from service.feeds.documents import Stream, json_lines, lines
from service.feeds.items import FeedError, Item, attempt
from service.feeds.metadata import bounded, metadata

PLATFORM = "jsonl"
_CONTEXT = tuple(field.name for field in dataclass_fields(Context))
_CONSUMED = ("text", "id", "platform", "surface", "author", "locale", "region", "created_at", "context", "metadata")


def read(stream: Stream, authors: Pseudonyms) -> Iterator[Item]:
    """A post or an error a line; holds one line at a time."""
    for found in json_lines(lines(stream)):
        yield found if isinstance(found, FeedError) else _item(*found, authors)


def _item(where: str, value: object, authors: Pseudonyms) -> Item:
    return attempt(where, lambda: post(fields.as_object(value), where, authors))


def post(item: fields.Object, where: str, authors: Pseudonyms) -> Post:
    """The post of one line, which is at `where` (`line 12`). Raises `InvalidInput`."""
    text = fields.text(item, "text")
    number = where.removeprefix("line ")
    return Post(
        platform=fields.text(item, "platform") or PLATFORM,
        id=fields.identifier(item, "id") if item.get("id") is not None else f"line-{number}-{digest(text)[:16]}",
        text=text,
        surface=_surface(item),
        author=authors.of(fields.identifier(item, "author") if item.get("author") else ""),
        locale=fields.text(item, "locale"),
        region=fields.text(item, "region"),
        created_at=fields.time(item, "created_at"),
        context=_context(item),
        metadata=_metadata(item, authors),
    )


def _surface(item: fields.Object) -> Surface:
    named = fields.text(item, "surface").lower()
    try:
        return Surface(named) if named else Surface.FEED
    except ValueError:
        raise InvalidInput("surface", f"is {named[:40]!r}", f"send one of {', '.join(Surface)}") from None


def _context(item: fields.Object) -> Context:
    nested = fields.child(item, "context")
    return Context(**{name: fields.text(nested, name) or fields.text(item, name) for name in _CONTEXT})


def _metadata(item: fields.Object, authors: Pseudonyms) -> dict[str, str]:
    """What the line has beyond the known fields, in the context too, and what its `metadata` brings."""
    beside = metadata(item, (*_CONSUMED, *_CONTEXT), authors)
    within = metadata(fields.child(item, "context"), _CONTEXT, authors)
    brought = metadata(fields.child(item, "metadata"), (), authors)
    return bounded({**{f"context.{key}": value for key, value in within.items()}, **beside, **brought})
