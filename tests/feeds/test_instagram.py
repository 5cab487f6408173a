from collections.abc import Callable
from typing import Any

import pytest

from service.domain.post import Surface
from service.feeds import FeedError

Read = Callable[[str, object], list[Any]]
ReadPost = Callable[[str, object], Any]
ReadError = Callable[[str, object], FeedError]


def media(**fields: object) -> dict[str, object]:
    return {"data": [{"id": "17900", "caption": "Fog", "username": "salt.and.cedar", **fields}]}


@pytest.mark.parametrize(
    ("product", "surface"),
    [
        ("FEED", Surface.FEED),
        ("STORY", Surface.STORY),
        ("REELS", Surface.REEL),
        ("AD", Surface.AD),
        ("HOLOGRAM", Surface.FEED),
        (None, Surface.FEED),
    ],
)
def test_the_product_type_gives_the_surface_and_stays(
    read_post: ReadPost, product: str | None, surface: Surface
) -> None:
    found = read_post("instagram", media(media_product_type=product))
    assert found.surface is surface
    assert found.metadata.get("media_product_type") == product


def test_usernames_become_pseudonyms_and_ids_stay(read_post: ReadPost) -> None:
    assert read_post("instagram", media()).author.startswith("a-")
    assert read_post("instagram", media(owner={"id": "42"})).author == "42"
    assert "cedar" not in repr(read_post("instagram", media(collaborators={"data": [{"username": "cedar"}]})))


def test_comments_and_replies_become_comments(read: Read) -> None:
    replies = {"data": [{"id": "r", "text": "reply", "username": "b"}]}
    comments = {"data": [{"id": "c", "text": "comment", "timestamp": "2026-05-01T08:00:00+0000", "replies": replies}]}
    post, comment, reply = read("instagram", media(comments=comments))
    assert post.name == "platforms/instagram/posts/17900"
    assert (comment.surface, comment.context.parent_text) == (Surface.COMMENT, "Fog")
    assert comment.created_at.isoformat() == "2026-05-01T08:00:00+00:00"
    assert (reply.text, reply.context.parent_text) == ("reply", "comment")


def test_alt_texts_of_a_carousel_are_context(read_post: ReadPost) -> None:
    children = {"data": [{"id": "1", "alt_text": "A fox"}, {"id": "2"}, {"id": "3", "alt_text": "A glove"}]}
    assert read_post("instagram", media(children=children)).context.image_alt == "A fox\nA glove"


def test_a_photo_without_caption_is_read_by_its_alt_text(read_post: ReadPost) -> None:
    found = read_post("instagram", media(caption=None, alt_text="Empty bench under snow"))
    assert (found.text, found.context.image_alt) == ("Empty bench under snow", "")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"caption": None}, "caption is missing"),
        ({"caption": []}, "caption is an array"),
        ({"timestamp": "2026-13-01T00:00:00Z"}, "timestamp is not a time"),
        ({"username": 3}, "username is a number"),
        ({"children": {"data": "x"}}, "children.data is not an array"),
        ({"media_product_type": 4}, "media_product_type is a number"),
    ],
)
def test_malformed_media(read_error: ReadError, fields: dict[str, object], problem: str) -> None:
    error = read_error("instagram", media(**fields))
    assert isinstance(error, FeedError)
    assert error.where == "data[0]"
    assert problem in error.problem
