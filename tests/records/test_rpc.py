"""GetVerdict and ListVerdicts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, cast

import grpc
import pytest
from assay.v1 import post_pb2, verdict_pb2
from assay.v1 import verdict_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Surface
from service.rpc.paging import read_token, write_token
from tests.factories import post_of, verdict_of, with_surprise
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of

UNSPECIFIED = verdict_pb2.DECISION_UNSPECIFIED
ALLOW, BLOCK, HATE = verdict_pb2.DECISION_ALLOW, verdict_pb2.DECISION_BLOCK, verdict_pb2.CATEGORY_HATE


@pytest.fixture
async def history(front: Front) -> None:
    """25 recorded verdicts: every fifth is a BLOCK for hate on a comment; one a minute from noon."""
    for number in range(25):
        odd = number % 5 == 0
        post = post_of(f"text {number}", str(number), surface=Surface.COMMENT if odd else Surface.FEED)
        at = datetime(2026, 1, 1, 12, number, tzinfo=UTC)
        ruling = Ruling(Decision.BLOCK, (Category.HATE,)) if odd else Ruling(Decision.ALLOW)
        await front.store.record([post], [replace(verdict_of(post), ruling=ruling, decided_at=at)])


def numbers(verdicts: Iterable[verdict_pb2.Verdict]) -> list[int]:
    return [int(verdict.post.rpartition("/")[2]) for verdict in verdicts]


async def test_get_verdict(front: Front, history: None) -> None:
    verdict = (
        await front.verdicts.GetVerdict(pb.GetVerdictRequest(name="platforms/instagram/posts/5/verdict"))
    ).verdict
    assert verdict.decision == verdict_pb2.DECISION_BLOCK
    assert verdict.surface == post_pb2.SURFACE_COMMENT
    assert verdict.HasField("evidence")


async def test_evidence_counts_bytes_of_the_text_as_sent(front: Front) -> None:
    post = post_of("  Drinking   bleach", "spaced")
    await front.store.record([post], [verdict_of(post)])  # its span is bytes 0 to 8 of the canonical text
    response = await front.verdicts.GetVerdict(pb.GetVerdictRequest(name=f"{post.name}/verdict"))
    [span] = response.verdict.evidence.spans
    assert post.text.encode()[span.start_offset : span.end_offset] == b"Drinking"


async def test_no_such_post_names_the_resource(front: Front) -> None:
    name = "platforms/instagram/posts/none/verdict"
    failure = await failure_of(front.verdicts.GetVerdict(pb.GetVerdictRequest(name=name)))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND")
    resource = failure.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("assay.dev/Verdict", name)


async def test_accepted_and_not_decided(front: Front) -> None:
    await front.store.accept([post_of()])
    request = pb.GetVerdictRequest(name="platforms/instagram/posts/1/verdict")
    failure = await failure_of(front.verdicts.GetVerdict(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_DECIDED")


@pytest.mark.parametrize(
    "name", ["", "platforms/x/posts/1", "platforms/X/posts/1/verdict", "platforms/x/posts/a b/verdict", "x" * 9_000]
)
async def test_malformed_name(front: Front, name: str) -> None:
    failure = await failure_of(front.verdicts.GetVerdict(pb.GetVerdictRequest(name=name)))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "name")


async def test_pages_join_to_the_whole_newest_first(front: Front, history: None) -> None:
    request, found = pb.ListVerdictsRequest(page_size=10), []
    while True:
        response = await front.verdicts.ListVerdicts(request)
        found.append(numbers(response.verdicts))
        request.page_token = response.next_page_token
        if not request.page_token:
            break
    assert list(map(len, found)) == [10, 10, 5]
    assert list(chain.from_iterable(found)) == list(range(24, -1, -1))


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (pb.VerdictFilter(decisions=[verdict_pb2.DECISION_BLOCK]), [20, 15, 10, 5, 0]),
        (pb.VerdictFilter(categories=[verdict_pb2.CATEGORY_HATE, verdict_pb2.CATEGORY_TEST]), [20, 15, 10, 5, 0]),
        (pb.VerdictFilter(surfaces=[post_pb2.SURFACE_COMMENT], decisions=[verdict_pb2.DECISION_ALLOW]), []),
        (pb.VerdictFilter(start_time=Timestamp(seconds=1767268800 + 22 * 60)), [24, 23, 22]),
        (pb.VerdictFilter(end_time=Timestamp(seconds=1767268800 + 120)), [1, 0]),
        (
            pb.VerdictFilter(decisions=[UNSPECIFIED, BLOCK]),
            list(range(24, -1, -1)),
        ),
    ],
)
async def test_filters(front: Front, history: None, only: pb.VerdictFilter, expected: Any) -> None:
    response = await front.verdicts.ListVerdicts(pb.ListVerdictsRequest(filter=only))
    assert numbers(response.verdicts) == expected


@pytest.mark.parametrize(
    ("only", "field"),
    [
        (pb.VerdictFilter(decisions=[ALLOW, cast("Any", 99)]), "filter.decisions[1]"),
        (pb.VerdictFilter(categories=[cast("Any", -3)]), "filter.categories[0]"),
        (pb.VerdictFilter(surfaces=[cast("Any", 7)]), "filter.surfaces[0]"),
        (pb.VerdictFilter(start_time=Timestamp(seconds=2**50)), "filter.start_time"),
        (pb.VerdictFilter(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9)), "filter.end_time"),
    ],
)
async def test_bad_filters(front: Front, only: pb.VerdictFilter, field: str) -> None:
    assert (await failure_of(front.verdicts.ListVerdicts(pb.ListVerdictsRequest(filter=only)))).field == field


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (7, 7), (1_000, 60), (2_000_000, 60)])
async def test_page_sizes(front: Front, asked: int, given: int) -> None:
    posts = [post_of(f"text {number}", str(number)) for number in range(60)]
    await front.store.record(posts, list(map(verdict_of, posts)))
    response = await front.verdicts.ListVerdicts(pb.ListVerdictsRequest(page_size=asked))
    assert len(response.verdicts) == given


async def test_negative_page_size(front: Front) -> None:
    failure = await failure_of(front.verdicts.ListVerdicts(pb.ListVerdictsRequest(page_size=-1)))
    assert failure.field == "page_size"


@pytest.mark.parametrize("token", ["garbage", "ü", "AAAA", "=", "A" * 400])
async def test_garbage_page_token(front: Front, token: str) -> None:
    failure = await failure_of(front.verdicts.ListVerdicts(pb.ListVerdictsRequest(page_token=token)))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "page_token")


async def test_page_token_belongs_to_its_filter(front: Front, history: None) -> None:
    response = await front.verdicts.ListVerdicts(pb.ListVerdictsRequest(page_size=3))
    other = pb.ListVerdictsRequest(
        page_token=response.next_page_token, filter=pb.VerdictFilter(decisions=[verdict_pb2.DECISION_BLOCK])
    )
    assert (await failure_of(front.verdicts.ListVerdicts(other))).field == "page_token"


async def test_page_with_evidence_stays_below_4_mib(front: Front) -> None:
    posts = [post_of("word " * 4_000 + str(number), str(number)) for number in range(70)]
    await front.store.record(posts, [with_surprise(verdict_of(post), 4_000) for post in posts])
    request = pb.ListVerdictsRequest(page_size=100, view=verdict_pb2.VERDICT_VIEW_FULL)
    found: list[int] = []
    while not found or request.page_token:
        response = await front.verdicts.ListVerdicts(request)
        found += numbers(response.verdicts)
        request.page_token = response.next_page_token
    assert found == list(range(69, -1, -1))


def test_tokens_survive_the_same_filter_in_another_order() -> None:
    from service.rpc.messages.filter import read_filter

    one = read_filter(pb.VerdictFilter(decisions=[BLOCK, ALLOW], categories=[HATE, HATE]))
    two = read_filter(pb.VerdictFilter(decisions=[ALLOW, BLOCK, ALLOW], categories=[HATE]))
    assert read_token(write_token(2**40, one), two) == 2**40
    later = replace(one, start=datetime.now(UTC) - timedelta(days=1))
    assert write_token(1, later) != write_token(1, one)
