"""Domain to message and back. (Invalid UTF-8 cannot be tested here: protobuf refuses to build such a string field.)"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast

import pytest
from assay.v1 import claim_pb2, claim_service_pb2, post_pb2, verdict_pb2, verdict_service_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimState, Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import Context, Post, PostKey, Surface
from service.domain.verdict import Skip, Source, Verdict, VerdictFilter
from service.errors import InvalidInput
from service.rpc.messages.claim import read_record, write_record
from service.rpc.messages.filter import encode_claim_filter, encode_filter, read_claim_filter, read_filter
from service.rpc.messages.post import decode_post, encode_post
from service.rpc.messages.verdict import read_verdict, write_verdict

words = st.text(max_size=40)
names = st.text("abcXYZ019-._", min_size=1, max_size=20)
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))  # noqa: DTZ001
numbers = st.floats(width=32, allow_nan=False)
counts = st.integers(0, 2**31 - 1)
posts = st.builds(
    Post,
    platform=names,
    id=names,
    text=words,
    surface=st.sampled_from(Surface),
    author=words,
    locale=words,
    region=words,
    created_at=st.none() | times,
    context=st.builds(Context, words, words, words, words, words),
    metadata=st.dictionaries(words, words, max_size=3),
)
matches = st.builds(
    Match,
    claim_id=names,
    claim=words,
    verdict=words,
    rating=st.sampled_from(Rating),
    publisher=words,
    url=words,
    score=numbers,
    relation=st.sampled_from(Relation),
    p_relation=numbers,
    abstained=st.booleans(),
    quarantined=st.booleans(),
    weight=numbers,
)
records = st.builds(
    ClaimRecord,
    claim=st.builds(
        Claim,
        id=names,
        claim=words,
        title=words,
        url=words,
        date=st.none() | st.dates(),
        verdict=words,
        publisher=words,
        rating=st.sampled_from(Rating),
    ),
    state=st.sampled_from(ClaimState),
    reason=words,
    updated_at=times,
    confirmed=counts,
    rejected=counts,
)
judgements = st.builds(
    Judgement,
    content_digest=st.just("digest"),
    model_version=names,
    claims_version=words,
    cluster=words,
    signals=st.lists(st.builds(Signal, names, *[numbers] * 4), max_size=3).map(
        lambda found: {s.name: s for s in found}
    ),
    evidence=st.builds(
        Evidence,
        st.lists(st.builds(Span, counts, counts, words, numbers), max_size=2).map(tuple),
        st.lists(st.builds(TokenSurprise, counts, counts, numbers), max_size=2).map(tuple),
        st.dictionaries(words, counts, max_size=2),
        st.lists(st.builds(Remainder, words, numbers, numbers), max_size=2).map(tuple),
        st.lists(matches, max_size=2).map(tuple),
    ),
    words=counts,
    abstained=st.lists(words, max_size=2).map(tuple),
)
verdicts = st.builds(
    Verdict,
    post=st.builds(PostKey, words, words),
    content_digest=st.just("digest"),
    surface=st.sampled_from(Surface),
    ruling=st.builds(
        Ruling,
        st.sampled_from(Decision),
        st.lists(st.sampled_from(Category)).map(tuple),
        st.lists(words, max_size=2).map(tuple),
    ),
    policy_version=words,
    source=st.sampled_from(Source),
    decided_at=times,
    judgement=st.none() | judgements,
    skipped=st.lists(st.builds(Skip, words, words), max_size=2).map(tuple),
    latency=st.dictionaries(words, st.integers(0, 10**9).map(lambda us: timedelta(microseconds=us).total_seconds())),
)


@settings(deadline=None)  # a shared machine may pause at any time
@given(posts)
def test_posts_survive_the_wire(post: Post) -> None:
    assert decode_post(post_pb2.Post.FromString(encode_post(post).SerializeToString())) == post


@settings(deadline=None)  # a shared machine may pause at any time
@given(verdicts)
def test_verdicts_survive_the_wire(verdict: Verdict) -> None:
    message = verdict_pb2.Verdict()
    write_verdict(verdict, message, evidence=True)
    assert read_verdict(verdict_pb2.Verdict.FromString(message.SerializeToString())) == verdict


@settings(deadline=None)  # a shared machine may pause at any time
@given(records)
def test_claims_survive_the_wire(record: ClaimRecord) -> None:
    message = claim_pb2.Claim()
    write_record(record, message)
    assert read_record(claim_pb2.Claim.FromString(message.SerializeToString())) == record


def test_filters_survive_the_wire() -> None:
    only = VerdictFilter(decisions=(Decision.BLOCK,), claim_id="c-1", cluster="abc")
    sent = verdict_service_pb2.VerdictFilter.FromString(encode_filter(only).SerializeToString())
    assert (read_filter(sent), read_filter(encode_filter(VerdictFilter()))) == (only, VerdictFilter())
    for claims in (ClaimFilter(ClaimState.QUARANTINED, "Facts", "moon"), ClaimFilter()):
        assert read_claim_filter(encode_claim_filter(claims)) == claims


def test_every_enum_has_its_twin() -> None:
    twins: list[tuple[type[Enum], Any]] = [
        (Rating, claim_pb2.ClaimRating),
        (Relation, claim_pb2.ClaimRelation),
        (ClaimState, claim_pb2.ClaimState),
        (Decision, verdict_pb2.Decision),
        (Category, verdict_pb2.Category),
        (Source, verdict_pb2.VerdictSource),
        (Surface, post_pb2.Surface),
    ]
    for kind, proto in twins:
        assert len(kind) + 1 == len(proto.keys())
    assert len(Change) + 2 == len(claim_service_pb2.ImportState.keys())  # unspecified and rejected


def test_half_a_surrogate_pair_is_refused_before_sending() -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        encode_post(Post(platform="x", id="1", text="\ud83d"))


def test_unspecified_surface_is_the_feed() -> None:
    assert decode_post(post_pb2.Post(name="platforms/x/posts/1")).surface is Surface.FEED


def test_verdict_of_a_newer_server_is_told() -> None:
    message = verdict_pb2.Verdict(decision=verdict_pb2.DECISION_ALLOW, categories=[cast("Any", 99)])
    with pytest.raises(InvalidInput, match="99 is no CATEGORY"):
        read_verdict(message)
