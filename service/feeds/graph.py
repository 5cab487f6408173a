"""Facebook page feeds: posts, their attachments and comments, as the Graph API pages them.

Fields: https://developers.facebook.com/docs/graph-api/reference/page-post and .../reference/comment. A post without a
message is read by what its attachments say (description, title or alt text). `story` is left out: Facebook writes it
from people's names.
"""

from collections.abc import Iterator

from service.domain.post import Context, Post, Surface
from service.errors import InvalidInput
from service.feeds import fields
from service.feeds.authors import Pseudonyms
from service.feeds.documents import Stream
from service.feeds.items import Item
from service.feeds.metadata import metadata
from service.feeds.pages import threads

PLATFORM = "facebook"
_CONSUMED = ("id", "message", "story", "story_tags", "created_time", "from", "comments", "is_ad")
_ALT = ("alt_text_custom", "alt_text", "accessibility_caption")


def read(stream: Stream, authors: Pseudonyms) -> Iterator[Item]:
    """Posts of a page feed, each followed by its comments."""
    return threads(stream, lambda item, parent: post(item, parent, authors))


def post(item: fields.Object, parent: str | None, authors: Pseudonyms, platform: str = PLATFORM) -> Post:
    """The post of a Page Post or (where `parent` is not None) a Comment. Raises `InvalidInput`."""
    attachments = _attachments(item)
    context = Context(
        parent_text=parent or "",
        link_title=_joined(attachments, "title"),
        image_alt="\n".join(dict.fromkeys(filter(None, map(_alt, attachments)))),
    )
    words, context = _words(item, attachments, context)
    return Post(
        platform=platform,
        id=fields.identifier(item, "id"),
        text=words,
        surface=_surface(item, parent),
        author=_author(item, authors),
        created_at=fields.time(item, "created_time"),
        context=context,
        metadata=metadata(item, _CONSUMED, authors),
    )


def _surface(item: fields.Object, parent: str | None) -> Surface:
    if parent is not None:
        return Surface.COMMENT
    return Surface.AD if item.get("is_ad") is True else Surface.FEED


def _author(item: fields.Object, authors: Pseudonyms) -> str:
    sender = fields.child(item, "from")
    return authors.of(fields.identifier(sender, "id") if "id" in sender else fields.text(sender, "name"))


def _words(item: fields.Object, attachments: list[fields.Object], context: Context) -> tuple[str, Context]:
    """The author's message, else the first of description, title and alt text, which then is not context any more."""
    if message := fields.text(item, "message"):
        return message, context
    if described := _joined(attachments, "description"):
        return described, context
    if context.link_title:
        return context.link_title, Context(parent_text=context.parent_text, image_alt=context.image_alt)
    if context.image_alt:
        return context.image_alt, Context(parent_text=context.parent_text)
    raise InvalidInput("message", "is missing, and no attachment has words", "leave out posts without any text")


def _attachments(item: fields.Object) -> list[fields.Object]:
    """The attachments of a post, an album's parts after the album; `attachment` is the single one of a comment."""
    listed = _listed(item, "attachments")
    if "attachment" in item:
        listed = [fields.child(item, "attachment"), *listed]
    return [each for attachment in listed for each in (attachment, *_listed(attachment, "subattachments"))]


def _listed(item: fields.Object, key: str) -> list[fields.Object]:
    data = fields.child(item, key).get("data", [])
    if not isinstance(data, list):
        raise InvalidInput(f"{key}.data", "is not an array", "send a JSON array")
    return [fields.as_object(each, f"{key}.data[{index}]") for index, each in enumerate(data)]


def _joined(attachments: list[fields.Object], key: str) -> str:
    return "\n".join(dict.fromkeys(filter(None, (fields.text(each, key) for each in attachments))))


def _alt(attachment: fields.Object) -> str:
    image = fields.child(fields.child(attachment, "media"), "image")
    places = (attachment, fields.child(attachment, "target"), image)
    return next(filter(None, (fields.text(place, key) for place in places for key in _ALT)), "")
