"""Domain objects survive the way through JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.claim import Match, Rating, Relation
from service.domain.codec import (
    decode_judgement,
    decode_post,
    decode_verdict,
    encode_judgement,
    encode_post,
    encode_verdict,
)
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import Context, Post, PostKey, Surface
from service.domain.text_signature import NO_SIGNATURE, TextSignature
from service.domain.verdict import Skip, Source, Verdict
from service.moderation.transport import Batch, Reply
from service.moderation.wire import decode_batch, decode_reply, encode_batch, encode_reply

WORDS = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
OFFSETS = st.integers(0, 80_000)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - zones are drawn
CONTEXTS = st.builds(Context, WORDS, WORDS, WORDS, WORDS, WORDS)
POSTS = st.builds(
    Post,
    platform=st.just("example"),
    id=st.text("abc123", min_size=1, max_size=8),
    text=st.text(min_size=1, max_size=40),
    surface=st.sampled_from(Surface),
    author=WORDS,
    locale=WORDS,
    region=WORDS,
    created_at=st.none() | TIMES,
    context=CONTEXTS,
    metadata=st.dictionaries(WORDS, WORDS, max_size=3),
)
SIGNALS = st.builds(Signal, WORDS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
MATCHES = st.builds(
    Match,
    *(WORDS, WORDS, WORDS, st.sampled_from(Rating), WORDS, WORDS),
    score=NUMBERS,
    relation=st.sampled_from(Relation),
    p_relation=NUMBERS,
    abstained=st.booleans(),
    quarantined=st.booleans(),
    weight=NUMBERS,
)
EVIDENCE = st.builds(
    Evidence,
    st.lists(st.builds(Span, OFFSETS, OFFSETS, WORDS, NUMBERS), max_size=3).map(tuple),
    st.lists(st.builds(TokenSurprise, OFFSETS, OFFSETS, NUMBERS), max_size=3).map(tuple),
    st.dictionaries(WORDS, st.integers(0, 99), max_size=3),
    st.lists(st.builds(Remainder, WORDS, NUMBERS, NUMBERS), max_size=3).map(tuple),
    st.lists(MATCHES, max_size=3).map(tuple),
)
JUDGEMENTS = st.builds(
    Judgement,
    content_digest=WORDS,
    model_version=WORDS,
    claims_version=WORDS,
    signals=st.lists(SIGNALS, max_size=3).map(lambda signals: {signal.name: signal for signal in signals}),
    evidence=EVIDENCE,
    words=st.integers(0, 20_000),
    abstained=st.lists(WORDS, max_size=2).map(tuple),
    cluster=WORDS,
    text_signature=st.builds(TextSignature, st.lists(WORDS).map(tuple), st.binary(max_size=8), st.binary(max_size=8)),
)
KEYS = st.builds(PostKey, WORDS, WORDS)
RULINGS = st.builds(
    Ruling,
    st.sampled_from(Decision),
    st.lists(st.sampled_from(Category), max_size=3).map(tuple),
    st.lists(WORDS, max_size=3).map(tuple),
)
VERDICTS = st.builds(
    Verdict,
    post=KEYS,
    content_digest=WORDS,
    surface=st.sampled_from(Surface),
    ruling=RULINGS,
    policy_version=WORDS,
    source=st.sampled_from(Source),
    decided_at=TIMES,
    judgement=st.none() | JUDGEMENTS,
    skipped=st.lists(st.builds(Skip, WORDS, WORDS), max_size=2).map(tuple),
    latency=st.dictionaries(WORDS, NUMBERS, max_size=3),
    sequence=st.integers(0, 2**62),
)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(POSTS)
def test_a_post_survives(post: Post) -> None:
    restored = decode_post(through_json(encode_post(post)))
    assert restored == post
    assert restored.key == post.key


@given(JUDGEMENTS)
def test_a_judgement_survives_without_its_signature(judgement: Judgement) -> None:
    restored = decode_judgement(through_json(encode_judgement(judgement)))
    assert restored == judgement
    assert restored.text_signature == NO_SIGNATURE
    assert all(isinstance(match.relation, Relation) for match in restored.evidence.matches)


@given(VERDICTS)
def test_a_verdict_survives_beside_its_judgement(verdict: Verdict) -> None:
    assert decode_verdict(through_json(encode_verdict(verdict)), verdict.judgement) == verdict


@given(
    st.builds(Batch, WORDS, st.lists(POSTS, max_size=3).map(tuple), WORDS, st.none() | NUMBERS, NUMBERS, st.booleans())
)
def test_a_batch_survives(batch: Batch) -> None:
    assert decode_batch(through_json(encode_batch(batch))) == batch


@given(st.builds(Reply, WORDS, st.lists(VERDICTS, max_size=3).map(tuple), st.lists(KEYS, max_size=2).map(tuple)))
def test_a_reply_survives(reply: Reply) -> None:
    assert decode_reply(through_json(encode_reply(reply))) == reply


def test_empty_fields_of_a_post_take_no_room() -> None:
    encoded = encode_post(Post(platform="example", id="1", text="words"))
    assert encoded == {"platform": "example", "id": "1", "text": "words", "surface": "feed"}


def test_keys_of_a_later_release_are_ignored() -> None:
    post = Post(platform="example", id="1", text="words", context=Context(link_title="a title"))
    encoded = encode_post(post) | {"mood": "sunny"}
    encoded["context"]["video_title"] = "a film"
    assert decode_post(encoded) == post


def test_a_post_of_an_earlier_release_without_optional_keys_is_read() -> None:
    assert decode_post({"platform": "example", "id": "1", "text": "words", "surface": "bio"}).surface is Surface.BIO


def test_a_judgement_of_an_earlier_release_without_remainders_claims_and_cluster_is_read() -> None:
    judgement = Judgement(content_digest="d", model_version="m", signals={}, words=3)
    encoded = encode_judgement(judgement)
    for later in ("remainders", "matches", "claims", "cluster"):
        del encoded[later]
    assert decode_judgement(encoded) == judgement


def test_a_surface_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="billboard"):
        decode_post({"platform": "example", "id": "1", "text": "words", "surface": "billboard"})
