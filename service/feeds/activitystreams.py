"""ActivityStreams 2.0 objects and activities, alone or in collections (outboxes), as Mastodon and others write them.

Vocabulary: https://www.w3.org/TR/activitystreams-vocabulary/. A post's text is what its author wrote, in reading order:
title (`name`), content warning or abstract (`summary`), content, a poll's options. Its id is the object's id,
percent-encoded. `url` and ids stay in the metadata as they are, although servers put handles in them: without them
the post can't be found.
"""

from collections.abc import Iterator
from functools import partial

from service.domain.post import Context, Post, Surface
from service.errors import InvalidInput
from service.feeds import fields
from service.feeds.activities import Authored, authored, objects
from service.feeds.authors import Pseudonyms
from service.feeds.documents import Stream, documents
from service.feeds.items import FeedError, Item, attempt
from service.feeds.markup import text_of
from service.feeds.metadata import metadata

PLATFORM = "activitypub"
_CONSUMED = ("@context", "id", "name", "nameMap", "summary", "summaryMap", "content", "contentMap", "published")
_PREVIEWS = frozenset({"Link", "Page"})


def read(stream: Stream, authors: Pseudonyms) -> Iterator[Item]:
    """Posts of a document, or of one document a line; replies to an object of the same document bring its text."""
    for found in documents(stream):
        if isinstance(found, FeedError):
            yield found
            continue
        located = list(objects(*found))
        known = {_first_id(item.object): item.object for _, item in located if isinstance(item, Authored)}
        for where, item in located:
            yield attempt(where, partial(_post, item, known, authors))


def _post(item: object, known: dict[str, fields.Object], authors: Pseudonyms) -> Post:
    activity = item if isinstance(item, Authored) else authored(item)
    return post(activity, _answered(activity.object, known), authors)


def post(item: Authored, parent: str | None, authors: Pseudonyms) -> Post:
    """The post of one object; `parent` is the text it replies to, None if it is not a reply. Raises `InvalidInput`."""
    note = item.object
    text, title, alt = _words(note), _attached(note, previews=True), _attached(note, previews=False)
    if not text:
        text, alt = alt, ""
    if not text:
        raise InvalidInput("content", "is missing, and no attachment is named", "leave out objects without any text")
    return Post(
        platform=PLATFORM,
        id=fields.identifier(note, "id"),
        text=text,
        surface=Surface.FEED if parent is None else Surface.COMMENT,
        author=authors.of(_first_id(note.get("attributedTo")) or item.actor),
        locale=_language(note),
        created_at=fields.time(note, "published") or item.published,
        context=Context(parent_text=parent or "", link_title=title, image_alt=alt),
        metadata=metadata(note, (*_CONSUMED, "attributedTo", "replies"), authors),
    )


def _words(note: fields.Object) -> str:
    plain = note.get("mediaType") in ("text/plain", "text/markdown")
    content = _natural(note, "content")
    parts = [
        text_of(_natural(note, "name")),
        text_of(_natural(note, "summary")),
        content if plain else text_of(content),
    ]
    return "\n\n".join(filter(None, (*parts, *_options(note))))


def _options(note: fields.Object) -> Iterator[str]:
    """The names of a poll's options."""
    for key in ("oneOf", "anyOf"):
        options = note.get(key)
        for option in options if isinstance(options, list) else []:
            yield text_of(fields.text(fields.as_object(option, key), "name"))


def _natural(note: fields.Object, key: str) -> str:
    """A natural-language value: the plain property, else the first of its language map."""
    if plain := fields.text(note, key):
        return plain
    languages = fields.child(note, f"{key}Map")
    return next(filter(None, (fields.text(languages, language) for language in languages)), "")


def _language(note: fields.Object) -> str:
    """The language that the content map gives for the content; `language` (Lemmy, PeerTube) where there is no map."""
    content, languages = note.get("content"), fields.child(note, "contentMap")
    matching = [language for language, value in languages.items() if not content or value == content]
    if found := next(iter((*matching, *languages)), ""):
        return found if found != "und" else ""
    named = note.get("language")
    return fields.text(
        named if isinstance(named, dict) else note, "identifier" if isinstance(named, dict) else "language"
    )


def _attached(note: fields.Object, *, previews: bool) -> str:
    """The names of attached links (their titles) or of attached media (their alt text), a line each."""
    attached = note.get("attachment")
    listed = attached if isinstance(attached, list) else [] if attached is None else [attached]
    media = [fields.as_object(each, "attachment") for each in listed if not isinstance(each, str)]
    chosen = [each for each in media if (each.get("type") in _PREVIEWS) == previews]
    names = (_natural(each, "name") or _natural(each, "summary") for each in chosen)
    return "\n".join(dict.fromkeys(map(text_of, filter(None, names))))


def _answered(note: fields.Object, known: dict[str, fields.Object]) -> str | None:
    """The text of what `note` replies to; empty where it is not at hand, None where `note` is not a reply."""
    reply = note.get("inReplyTo")
    if not reply:
        return None
    parent = reply if isinstance(reply, dict) else known.get(_first_id(reply))
    try:
        return _words(parent) if parent else ""
    except InvalidInput:
        return ""


def _first_id(value: object) -> str:
    """The id of an object, a link, or the first of several."""
    first = value[0] if isinstance(value, list) and value else value
    found = first.get("id") if isinstance(first, dict) else first
    return found if isinstance(found, str) else ""
