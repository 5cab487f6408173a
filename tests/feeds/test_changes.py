from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.post import Post, Surface
from service.feeds import FeedError, Pseudonyms
from service.feeds.changes import Ignored, changes

PLAIN = Pseudonyms()


def page(value: object, field: str = "feed") -> dict[str, object]:
    return {"object": "page", "entry": [{"id": "1", "time": 1767225600, "changes": [{"field": field, "value": value}]}]}


def feed(**fields: object) -> dict[str, object]:
    sender = {"id": "77", "name": "Ada Example"}
    return {"item": "status", "verb": "add", "post_id": "1_2", "message": "Hello", "created_time": 1767225600} | {
        "from": sender,
        **fields,
    }


def only(payload: object, platform: str = "facebook") -> Any:
    (change,) = changes(payload, PLAIN, platform)
    return change


@pytest.mark.parametrize("item", ["post", "status", "photo", "video", "share", "link"])
@pytest.mark.parametrize("verb", ["add", "edited"])
def test_words_on_a_page_become_posts(item: str, verb: str) -> None:
    post = only(page(feed(item=item, verb=verb)), "our-page")
    assert isinstance(post, Post)
    assert post.name == "platforms/our-page/posts/1_2"
    assert (post.text, post.author, post.surface) == ("Hello", "77", Surface.FEED)
    assert post.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert "Ada" not in repr(post)


def test_a_comment_is_named_by_its_own_id() -> None:
    post = only(page(feed(item="comment", comment_id="2_9", parent_id="1_2")))
    assert (post.id, post.surface) == ("2_9", Surface.COMMENT)
    assert post.metadata["post_id"] == "1_2"


@pytest.mark.parametrize(
    "value",
    [
        feed(verb="remove"),
        feed(verb="hide"),
        feed(item="like"),
        feed(item="reaction", verb="add"),
        feed(message=None),
        {},
        feed(item={"odd": 1}),
    ],
)
def test_what_brings_no_words_is_ignored(value: Any) -> None:
    assert isinstance(only(page(value)), Ignored)


def test_other_fields_are_ignored() -> None:
    assert only(page(feed(), field="ratings")) == Ignored("ratings", "status", "add")


@pytest.mark.parametrize("field", ["comments", "live_comments", "mentions"])
def test_instagram_comments_become_posts(field: str) -> None:
    value = {
        "id": "c1",
        "text": "Hi",
        "from": {"id": "9", "username": "ada"},
        "media": {"id": "m", "media_product_type": "AD"},
    }
    post = only({"object": "instagram", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]})
    assert (post.name, post.text, post.author) == ("platforms/instagram/posts/c1", "Hi", "9")
    assert post.surface is Surface.COMMENT
    assert "ada" not in repr(post.metadata)


def test_field_and_value_may_stand_in_the_entry() -> None:
    entry = {"id": "1", "time": 1, "field": "comments", "value": {"id": "c1", "text": "Hi"}}
    assert only([{"object": "instagram", "entry": [entry]}]).text == "Hi"


def test_a_mention_that_brings_ids_only_is_ignored() -> None:
    entry = {"changes": [{"field": "mentions", "value": {"media_id": "1", "comment_id": "2"}}]}
    assert only({"object": "instagram", "entry": [entry]}) == Ignored("mentions", "", "")


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        (3, "document"),
        ({"object": "page", "entry": {}}, "document"),
        ({"object": "page", "entry": [3]}, "entry[0]"),
        ({"object": "page", "entry": [{"changes": "x"}]}, "entry[0]"),
        ({"object": "page", "entry": [{"changes": [3]}]}, "entry[0].changes[0]"),
        ({"object": "page", "entry": [{"changes": [{"field": "feed", "value": 3}]}]}, "entry[0].changes[0]"),
        (page(feed(message=3)), "entry[0].changes[0]"),
        (page(feed(post_id=None)), "entry[0].changes[0]"),
    ],
)
def test_malformed_notifications(payload: object, where: str) -> None:
    error = only(payload)
    assert isinstance(error, FeedError)
    assert error.where == where
