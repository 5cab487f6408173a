"""ModeratePost over a real socket: answers, and each error with its decoded details."""

import time
from typing import Any, cast

import grpc
import pytest
from assay.v1 import moderation_service_pb2 as pb
from assay.v1 import post_pb2, verdict_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from structlog.testing import capture_logs

from tests.factories import message_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of


async def test_full_verdict_by_default(front: Front) -> None:
    verdict = (await front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of()))).verdict
    assert verdict.name == "platforms/x/posts/1/verdict"
    assert verdict.decision == verdict_pb2.DECISION_LABEL
    assert [signal.name for signal in verdict.signals] == ["ai_generated", "misinformation"]
    assert verdict.evidence.spans[0].signal == "misinformation"
    assert verdict.stage_latency["model"].ToMilliseconds() == 12
    assert verdict.decide_time.ToJsonString() == "2026-03-01T12:30:15.123456Z"


async def test_basic_view_has_no_evidence(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of(), view=verdict_pb2.VERDICT_VIEW_BASIC)
    verdict = (await front.moderation.ModeratePost(request)).verdict
    assert not verdict.HasField("evidence")
    assert verdict.signals


@pytest.mark.parametrize(
    "case",
    [
        ({"text": ""}, "post.text", "send the words"),
        ({"text": " \n\t\u3000"}, "post.text", "send the words"),
        ({"text": "\u200b\u200d"}, "post.text", "send the words"),
        ({"text": "a\x00b"}, "post.text", "U+0000 at character 1; remove it"),
        ({"text": "a\x1bb"}, "post.text", "U+001B"),
        ({"text": "x" * 20_001}, "post.text", "20,001 characters, over 20,000"),
        ({"text": "\U0001f9ea" * 20_001}, "post.text", "20,001 characters"),
        ({"name": ""}, "post.name", "is missing"),
        ({"name": "posts/1"}, "post.name", "platforms/example/posts/123"),
        ({"name": "platforms/X!/posts/1"}, "post.name", "percent-encode"),
        ({"name": "platforms/x/posts/1/verdict"}, "post.name", "platforms/example/posts/123"),
        ({"surface": 99}, "post.surface", "99 is no SURFACE"),
        ({"surface": -1}, "post.surface", "send one of 1 to 6"),
        ({"locale": "no such"}, "post.locale", "BCP 47"),
        ({"region": "Germany"}, "post.region", "two capitals"),
        ({"author": "a" * 257}, "post.author", "pseudonym"),
        ({"context": post_pb2.PostContext(image_alt="x" * 20_001)}, "post.context.image_alt", "shorten"),
        ({"context": post_pb2.PostContext(parent_text="\x07")}, "post.context.parent_text", "U+0007"),
        ({"metadata": {"k": "v" * 4_097}}, "post.metadata['k']", "4,096"),
        ({"create_time": Timestamp(seconds=0)}, "post.create_time", "before 2000"),
        ({"create_time": Timestamp(seconds=253_402_300_799)}, "post.create_time", "more than a day ahead"),
        ({"create_time": Timestamp(seconds=2**62)}, "post.create_time", "years 1 to 9999"),
        ({"create_time": Timestamp(seconds=-(2**62))}, "post.create_time", "years 1 to 9999"),
        ({"create_time": Timestamp(seconds=1_700_000_000, nanos=-1)}, "post.create_time", "nanos from 0"),
        ({"create_time": Timestamp(seconds=1_700_000_000, nanos=2**31 - 1)}, "post.create_time", "nanos from 0"),
    ],
)
async def test_bad_post_names_field_and_remedy(front: Front, case: tuple[dict[str, Any], str, str]) -> None:
    fields, field, remedy = case
    failure = await failure_of(front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of(**fields))))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.field == field
    assert remedy in failure.description
    assert failure.message.startswith(f"{field}: ")
    assert failure.reason == "INVALID_INPUT"


async def test_longest_text_is_judged(front: Front) -> None:
    for character in "x", "\U0001f9ea":
        request = pb.ModeratePostRequest(post=message_of(character * 20_000))
        assert (await front.moderation.ModeratePost(request)).verdict.decision


async def test_missing_post(front: Front) -> None:
    failure = await failure_of(front.moderation.ModeratePost(pb.ModeratePostRequest()))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "post")


async def test_unknown_view_and_bad_correlation_id(front: Front) -> None:
    call = front.moderation.ModeratePost
    assert (await failure_of(call(pb.ModeratePostRequest(post=message_of(), view=cast("Any", 99))))).field == "view"
    request = pb.ModeratePostRequest(post=message_of(), correlation_id="ü")
    assert (await failure_of(call(request))).field == "correlation_id"


async def test_overload_says_when_to_come_back(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of("!overload"))
    failure = await failure_of(front.moderation.ModeratePost(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert failure.detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 150
    assert failure.metadata["grpc-retry-pushback-ms"] == "150"


async def test_own_deadline_answer_arrives_before_the_client_gives_up(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of("!late"))
    failure = await failure_of(front.moderation.ModeratePost(request, timeout=0.5))
    assert (failure.code, failure.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "NO_VERDICT_IN_TIME")


async def test_deadlines_become_absolute(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of())
    await front.moderation.ModeratePost(request)
    await front.moderation.ModeratePost(request, timeout=3.0)
    default, own = (deadline - time.time() for deadline in front.pipeline.deadlines if deadline)
    assert 9.0 < default <= 10.0
    assert 2.5 < own <= 2.97  # 3 s less 50 ms, give or take the clock that gRPC rounds by


async def test_no_worker_is_unavailable(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of("!noworker"))
    failure = await failure_of(front.moderation.ModeratePost(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "NO_WORKER")


async def test_unexpected_exception_is_an_incident_without_the_text(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of("!crash my secret words"))
    with capture_logs() as events:
        failure = await failure_of(front.moderation.ModeratePost(request))
    assert failure.code is grpc.StatusCode.INTERNAL
    [event] = [event for event in events if event["event"] == "unexpected error"]
    assert event["incident"] in failure.message
    assert event["error"] == ["builtins.RuntimeError"]
    assert any("_obey" in frame for frame in event["where"])
    assert "secret" not in repr(events) + failure.message
    assert "Traceback" not in failure.message


async def test_over_4_mib_is_refused_with_the_sizes(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of(metadata={"k": "v" * 5_000_000}))
    failure = await failure_of(front.moderation.ModeratePost(request))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "4194304" in failure.message
    assert (await front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of()))).verdict.decision
