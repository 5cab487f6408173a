from collections.abc import Callable
from typing import Any

import pytest

from service.domain.post import Surface
from service.feeds import FeedError

Read = Callable[[str, object], list[Any]]
ReadPost = Callable[[str, object], Any]
ReadError = Callable[[str, object], FeedError]

ACTOR = "https://lantern.example/users/mira"
NOTE = {"type": "Note", "id": f"{ACTOR}/statuses/1", "attributedTo": ACTOR, "content": "<p>Hello</p>"}


def note(**fields: object) -> dict[str, object]:
    return {**NOTE, **fields}


def test_a_note_becomes_a_post(read_post: ReadPost) -> None:
    found = read_post(
        "activitystreams",
        note(
            contentMap={"pt-BR": "<p>Hello</p>"},
            published="2026-05-01T10:00:00.123Z",
            attachment=[
                {"type": "Document", "name": "A heron", "url": "u"},
                {"type": "Link", "name": "A title", "href": "https://x.example"},
            ],
            sensitive=True,
        ),
    )
    assert found.id == "https:%2F%2Flantern.example%2Fusers%2Fmira%2Fstatuses%2F1"
    assert (found.text, found.locale, found.surface) == ("Hello", "pt-BR", Surface.FEED)
    assert (found.context.image_alt, found.context.link_title) == ("A heron", "A title")
    assert found.created_at.isoformat() == "2026-05-01T10:00:00.123000+00:00"
    assert found.metadata["sensitive"] == "true"


def test_people_are_pseudonyms_and_the_public_stays(read_post: ReadPost) -> None:
    found = read_post(
        "activitystreams",
        note(
            tag=[
                {"type": "Mention", "href": "https://x.example/@zoe", "name": "@zoe"},
                {"type": "Hashtag", "name": "#sea"},
            ],
            to=["https://www.w3.org/ns/activitystreams#Public"],
            cc=[f"{ACTOR}/followers"],
        ),
    )
    assert found.author.startswith("a-")
    assert "zoe" not in found.metadata["tag"]
    assert "#sea" in found.metadata["tag"]
    assert "#Public" in found.metadata["to"]
    assert "mira" not in found.metadata["cc"]


@pytest.mark.parametrize("wrap", ["Create", "Update"])
def test_activities_give_actor_and_time_where_the_object_has_none(read_post: ReadPost, wrap: str) -> None:
    bare = {key: value for key, value in NOTE.items() if key != "attributedTo"}
    activity = {"type": wrap, "actor": ACTOR, "published": "2026-05-01T10:00:00Z", "object": bare}
    found = read_post("activitystreams", activity)
    assert found.author == read_post("activitystreams", NOTE).author
    assert found.created_at is not None


def test_who_announces_is_not_the_author(read_post: ReadPost) -> None:
    activity = {"type": "Announce", "actor": "https://x.example/users/zoe", "object": NOTE}
    assert read_post("activitystreams", activity) == read_post("activitystreams", NOTE)


@pytest.mark.parametrize("key", ["items", "orderedItems"])
@pytest.mark.parametrize("kind", ["Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"])
def test_collections_of_every_kind(read: Read, key: str, kind: str) -> None:
    found = read("activitystreams", {"type": kind, key: [NOTE, note(id="x:2", content="Two")]})
    assert [each.text for each in found] == ["Hello", "Two"]


def test_a_collection_may_embed_its_first_page(read_post: ReadPost) -> None:
    page = {"type": "OrderedCollectionPage", "orderedItems": NOTE}
    assert read_post("activitystreams", {"type": "OrderedCollection", "first": page}).text == "Hello"


def test_a_reply_knows_the_text_of_its_parent_wherever_that_stands(read: Read) -> None:
    reply = note(id="x:2", content="Indeed", inReplyTo=NOTE["id"])
    stranger = note(id="x:3", content="What?", inReplyTo="https://elsewhere.example/1")
    found = read("activitystreams", {"type": "Collection", "items": [reply, NOTE, stranger]})
    assert [(each.surface, each.context.parent_text) for each in found] == [
        (Surface.COMMENT, "Hello"),
        (Surface.FEED, ""),
        (Surface.COMMENT, ""),
    ]


def test_embedded_replies_follow_their_note(read: Read) -> None:
    reply = note(id="x:2", content="Indeed", inReplyTo=NOTE["id"])
    page = {"type": "CollectionPage", "items": ["https://elsewhere.example/2", reply]}
    found = read("activitystreams", note(replies={"type": "Collection", "first": page}))
    assert [each.text for each in found] == ["Hello", "Indeed"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"summary": "a warning"}, "a warning\n\nHello"),
        ({"type": "Article", "name": "Title", "summary": ""}, "Title\n\nHello"),
        ({"content": None, "contentMap": {"de": "<p>Hallo</p>", "fr": "Salut"}}, "Hallo"),
        ({"content": "1 < 2 & <b>", "mediaType": "text/plain"}, "1 < 2 & <b>"),
        ({"type": "Question", "oneOf": [{"name": "Yes"}, {"name": "No"}]}, "Hello\n\nYes\n\nNo"),
        ({"content": "", "attachment": {"type": "Image", "name": "A heron"}}, "A heron"),
    ],
)
def test_the_words_of_an_object_in_reading_order(read_post: ReadPost, fields: dict[str, object], text: str) -> None:
    assert read_post("activitystreams", note(**fields)).text == text


@pytest.mark.parametrize(
    ("fields", "locale"),
    [
        ({"contentMap": {"fr": "Salut", "en": "<p>Hello</p>"}}, "en"),
        ({"contentMap": {"und": "<p>Hello</p>"}}, ""),
        ({"language": "nl"}, "nl"),
        ({"language": {"identifier": "da", "name": "Dansk"}}, "da"),
        ({}, ""),
    ],
)
def test_the_language_of_the_content(read_post: ReadPost, fields: dict[str, object], locale: str) -> None:
    assert read_post("activitystreams", note(**fields)).locale == locale


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"type": "Like", "object": "x"}, "Like, which carries no words"),
        ({"type": "Tombstone", "id": "x"}, "Tombstone, which carries no words"),
        ({"type": "Announce", "object": "https://x.example/1"}, "is a link"),
        ({"type": "Create"}, "object is null"),
        (note(content=42), "content is a number"),
        (note(content="<br>"), "content is missing"),
        (note(content="<p>" * 300 + "x"), "nested more than 256"),
        (note(content="x" * 200_001), "over 200,000"),
        (note(id=None), "id is missing"),
        (note(published="soon"), "published is not a time"),
        (note(contentMap=["en"]), "contentMap is an array"),
        (note(attachment=[3]), "attachment is a number"),
        (note(contentMap={"?": "<p>Hello</p>"}), "not a BCP 47 tag"),
        ("https://x.example/1", "not a JSON object"),
    ],
)
def test_malformed_objects(read: Read, value: Any, problem: str) -> None:
    error, rest = read("activitystreams", {"type": "Collection", "items": [value, note(id="x:9")]})
    assert error.where == "items[0]"
    assert problem in error.problem
    assert rest.id == "x:9"


def test_arrays_nested_beyond_measure_are_reported(read_error: ReadError) -> None:
    assert "not a JSON object" in read_error("activitystreams", b"[" * 50 + b"]" * 50).problem
