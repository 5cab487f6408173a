"""Whatever stands in a feed, it comes out as a post within the limits or as an error with its place and remedy."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.post import Post
from service.domain.validation import check
from service.feeds import FORMATS, FeedError, Pseudonyms, parse
from service.feeds.changes import Ignored, changes

KEYS = st.one_of(
    st.sampled_from(
        ["data", "comments", "replies", "attachments", "subattachments", "media", "image", "target", "children"]
    ),
    st.sampled_from(["id", "message", "caption", "text", "content", "from", "name", "username", "owner"]),
    st.sampled_from(
        ["created_time", "timestamp", "published", "created_at", "type", "object", "actor", "attributedTo", "items"]
    ),
    st.sampled_from(
        ["orderedItems", "first", "inReplyTo", "contentMap", "attachment", "summary", "oneOf", "surface", "context"]
    ),
    st.sampled_from(["metadata", "tag", "to", "error", "entry", "changes", "field", "value", "item"]),
    st.sampled_from(
        ["verb", "post_id", "comment_id", "language", "mediaType", "media_product_type", "story", "alt_text", "title"]
    ),
    st.sampled_from(["description"]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["Note", "Create", "Collection", "Announce", "feed", "add", "comment", "instagram", "page", "comments"]
    ),
    st.sampled_from(["2026-05-01T12:00:00Z", "1", "<p>Hello</p>", "https://x.example/1", "\ud800", "<![x"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=4)), inner, max_size=6),
        st.fixed_dictionaries({"data": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries(
            {"id": st.just("1"), "message": inner, "comments": inner, "content": inner, "text": inner}
        ),
    ),
    max_leaves=30,
)


def assert_sound(item: object) -> None:
    if isinstance(item, FeedError):
        assert item.where
        assert item.problem
        assert item.remedy
    else:
        assert isinstance(item, Post)
        check(item)
        item.text.encode()


@pytest.mark.parametrize("format_name", FORMATS)
@given(values=st.lists(VALUES, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_arbitrary_json_never_raises(format_name: str, values: list[object]) -> None:
    raw = b"\n".join(json.dumps(value).encode() for value in values)
    for item in parse(format_name, [raw]):
        assert_sound(item)


@pytest.mark.parametrize("format_name", FORMATS)
@given(
    raw=st.one_of(st.binary(max_size=200), VALUES.map(lambda value: json.dumps(value, indent=1).encode())),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_arbitrary_bytes_never_raise_and_chunks_do_not_matter(
    format_name: str, raw: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(raw)))
    whole = list(parse(format_name, [raw]))
    for item in whole:
        assert_sound(item)
    assert repr(whole) == repr(list(parse(format_name, [raw[:at], raw[at:]])))


@given(payload=VALUES)
@settings(max_examples=200, deadline=None)
def test_arbitrary_notifications_never_raise(payload: object) -> None:
    for change in changes(payload, Pseudonyms()):
        if not isinstance(change, Ignored):
            assert_sound(change)
