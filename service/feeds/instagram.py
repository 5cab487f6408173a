"""Instagram media with captions and comments, as the Instagram Graph API pages them.

Fields: https://developers.facebook.com/docs/instagram-platform/reference/instagram-media and .../instagram-comment.
Media without a caption are read by their alt text, which then is not context any more.
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

PLATFORM = "instagram"
_CONSUMED = (
    "id",
    "caption",
    "text",
    "timestamp",
    "username",
    "from",
    "owner",
    "user",
    "comments",
    "replies",
    "alt_text",
)
_SURFACES = {"FEED": Surface.FEED, "STORY": Surface.STORY, "REELS": Surface.REEL, "AD": Surface.AD}


def read(stream: Stream, authors: Pseudonyms) -> Iterator[Item]:
    """Media, each followed by its comments."""
    return threads(stream, lambda item, parent: post(item, parent, authors))


def post(item: fields.Object, parent: str | None, authors: Pseudonyms) -> Post:
    """The post of an IG Media or (where `parent` is not None) an IG Comment. Raises `InvalidInput`."""
    words, alt = _words(item, parent)
    return Post(
        platform=PLATFORM,
        id=fields.identifier(item, "id"),
        text=words,
        surface=_surface(item) if parent is None else Surface.COMMENT,
        author=_author(item, authors),
        created_at=fields.time(item, "timestamp"),
        context=Context(parent_text=parent or "", image_alt=alt),
        metadata=metadata(item, _CONSUMED, authors),
    )


def _surface(item: fields.Object) -> Surface:
    """The surface of a `media_product_type`; one that is not known yet counts as the feed and stays in the metadata."""
    return _SURFACES.get(fields.text(item, "media_product_type"), Surface.FEED)


def _words(item: fields.Object, parent: str | None) -> tuple[str, str]:
    """Caption or comment, and the alt text; media that have alt text only are read by it."""
    key = "caption" if parent is None else "text"
    caption, alt = fields.text(item, key), _alt(item)
    if not (caption or alt):
        raise InvalidInput(key, "is missing, and there is no alt text", "leave out media without any text")
    return (caption, alt) if caption else (alt, "")


def _alt(item: fields.Object) -> str:
    """The alt texts of the medium and, in a carousel, of its children."""
    children = fields.child(item, "children").get("data", [])
    if not isinstance(children, list):
        raise InvalidInput("children.data", "is not an array", "send a JSON array")
    media = [item, *(fields.as_object(each, "children.data") for each in children)]
    return "\n".join(dict.fromkeys(filter(None, (fields.text(each, "alt_text") for each in media))))


def _author(item: fields.Object, authors: Pseudonyms) -> str:
    """The numeric id where there is one, else the pseudonym of the username."""
    for key in ("from", "owner", "user"):
        person = fields.child(item, key)
        if "id" in person:
            return authors.of(fields.identifier(person, "id"))
    return authors.of(fields.text(item, "username") or fields.text(fields.child(item, "from"), "username"))
