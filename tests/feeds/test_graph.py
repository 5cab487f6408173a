import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.post import Post, Surface
from service.feeds import FeedError

Read = Callable[[str, object], list[Any]]
ReadPost = Callable[[str, object], Any]
ReadError = Callable[[str, object], FeedError]

LINK = {"title": "A title", "description": "A description", "media_type": "link", "url": "https://x.example"}
PHOTO = {"media_type": "photo", "target": {"id": "5", "alt_text": "A heron"}, "media": {"image": {"src": "s"}}}


def post(**fields: object) -> dict[str, list[object]]:
    return {"data": [{"id": "1_2", "message": "Hello", **fields}]}


def test_every_field_of_a_post_finds_its_place(read_post: ReadPost) -> None:
    found = read_post(
        "graph",
        post(
            created_time="2026-05-17T16:24:04+0200",
            attachments={"data": [LINK, PHOTO]},
            permalink_url="https://pages.example/1",
            **{"from": {"id": "77", "name": "Ada Example"}},
        ),
    )
    assert found.name == "platforms/facebook/posts/1_2"
    assert (found.text, found.surface, found.author) == ("Hello", Surface.FEED, "77")
    assert found.created_at == datetime(2026, 5, 17, 14, 24, 4, tzinfo=UTC)
    assert (found.context.link_title, found.context.image_alt) == ("A title", "A heron")
    assert found.metadata["permalink_url"] == "https://pages.example/1"
    assert json.loads(found.metadata["attachments"])["data"][0]["url"] == "https://x.example"


def test_no_name_of_a_person_is_kept_anywhere(read: Read) -> None:
    person = {"id": "8", "name": "Ada Example"}
    value = post(
        story="Ada Example updated her status.",
        message_tags=[{**person, "type": "user", "offset": 0, "length": 3}],
        to={"data": [person]},
        likes={"data": [person]},
        comments={"data": [{"id": "c", "message": "Hi", "from": {"name": "Ada Example"}}]},
        **{"from": {"name": "Ada Example"}},
    )
    found = read("graph", value)
    assert "Ada" not in repr(found)
    assert found[0].author == found[1].author
    assert found[0].author.startswith("a-")
    assert json.loads(found[0].metadata["message_tags"])[0]["length"] == 3


def test_comments_and_replies_carry_the_text_they_answer(read: Read) -> None:
    reply = {"id": "c2", "message": "reply"}
    comments = {
        "data": [{"id": "c1", "message": "comment", "comments": {"data": [reply]}}, {"id": "c3", "message": "last"}]
    }
    found = read("graph", post(comments=comments))
    assert [(each.id, each.context.parent_text) for each in found] == [
        ("1_2", ""),
        ("c1", "Hello"),
        ("c2", "comment"),
        ("c3", "Hello"),
    ]
    assert [each.surface for each in found] == [Surface.FEED] + [Surface.COMMENT] * 3


@pytest.mark.parametrize(
    ("attachment", "text", "title", "alt"),
    [
        (LINK, "A description", "A title", ""),
        ({"title": "Only a title"}, "Only a title", "", ""),
        (PHOTO, "A heron", "", ""),
        ({"subattachments": {"data": [PHOTO]}, "title": "Album"}, "Album", "", "A heron"),
    ],
)
def test_without_message_the_attachments_words_are_judged(
    read_post: ReadPost, attachment: dict[str, object], text: str, title: str, alt: str
) -> None:
    found = read_post("graph", {"data": [{"id": "1", "attachments": {"data": [attachment]}}]})
    assert (found.text, found.context.link_title, found.context.image_alt) == (text, title, alt)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"message": None}, "message is missing"),
        ({"message": 3}, "message is a number"),
        ({"message": " \n"}, "text is empty"),
        ({"message": "x" * 20_001}, "text holds 20,001"),
        ({"message": "a\x07"}, "control character"),
        ({"message": "\ud800"}, "surrogate"),
        ({"id": None}, "id is missing"),
        ({"id": True}, "id is not an id"),
        ({"id": ""}, "id is not an id"),
        ({"created_time": "2026-05-17"}, "created_time is not a time"),
        ({"created_time": True}, "created_time is not a time"),
        ({"created_time": 1e300}, "created_time is not a time"),
        ({"created_time": "1970-01-01T00:00:00Z"}, "before 2000"),
        ({"from": "Ada"}, "from is a string"),
        ({"attachments": {"data": 3}}, "attachments.data is not an array"),
        ({"attachments": {"data": [3]}}, "attachments.data[0] is a number"),
        ({"deep": json.loads("[" * 40 + "]" * 40)}, "nested more than 32"),
    ],
)
def test_a_malformed_post_is_reported_and_the_rest_goes_on(read: Read, fields: dict[str, object], problem: str) -> None:
    value = post(**fields)
    value["data"].append({"id": "9", "message": "the rest"})
    error, rest = read("graph", value)
    assert isinstance(error, FeedError)
    assert error.where == "data[0]"
    assert problem in error.problem
    assert error.remedy
    assert rest.text == "the rest"


@pytest.mark.parametrize(
    ("comments", "where"),
    [
        ("none", "data[0].comments"),
        ({"data": {}}, "data[0].comments.data"),
        ({"data": [7]}, "data[0].comments.data[0]"),
        ({"data": [{"id": "c"}]}, "data[0].comments.data[0]"),
    ],
)
def test_malformed_comments_are_reported_at_their_place(read: Read, comments: object, where: str) -> None:
    found, error = read("graph", post(comments=comments))
    assert isinstance(found, Post)
    assert error.where == where


def test_a_comment_below_a_malformed_post_is_read_without_its_text(read: Read) -> None:
    error, comment = read("graph", {"data": [{"id": "1", "comments": {"data": [{"id": "c", "message": "Hi"}]}}]})
    assert isinstance(error, FeedError)
    assert (comment.text, comment.context.parent_text, comment.surface) == ("Hi", "", Surface.COMMENT)


def test_comments_nested_beyond_measure_end_in_an_error(read: Read) -> None:
    nested: dict[str, object] = {"id": "c", "message": "deepest"}
    for _ in range(60):
        nested = {"id": "c", "message": "m", "comments": {"data": [nested]}}
    *posts, error = read("graph", {"data": [nested]})
    assert len(posts) == 33
    assert "nested more than 32 deep" in error.problem


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"data": None}, "data"),
        ({"error": {"message": "token expired"}}, "document"),
        ({}, "document"),
        ([{"data": [1]}], "[0].data[0]"),
        (3, "document"),
    ],
)
def test_pages_that_are_none(read_error: ReadError, value: Any, where: str) -> None:
    assert read_error("graph", value).where == where


def test_an_object_outside_of_a_page_is_a_post(read_post: ReadPost) -> None:
    assert read_post("graph", {"id": "1", "message": "alone"}).text == "alone"
