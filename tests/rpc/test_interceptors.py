"""Correlation ids, the log event and the metrics of each call."""

from typing import Any

from assay.v1 import moderation_service_pb2 as pb
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.factories import message_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of


async def trailers(call: Any) -> dict[str, str]:
    return dict(await call.trailing_metadata())


async def test_correlation_id_is_taken_made_or_adopted_and_echoed(front: Front) -> None:
    method, request = front.moderation.ModeratePost, pb.ModeratePostRequest(post=message_of())
    assert (await trailers(method(request, metadata=(("x-correlation-id", "mine"),))))["x-correlation-id"] == "mine"
    assert len((await trailers(method(request)))["x-correlation-id"]) == 32
    assert len((await trailers(method(request, metadata=(("x-correlation-id", "x" * 129),))))["x-correlation-id"]) == 32
    request.correlation_id = "in-the-body"
    assert (await trailers(method(request, metadata=(("x-correlation-id", "mine"),))))[
        "x-correlation-id"
    ] == "in-the-body"


async def test_correlation_id_is_echoed_with_errors(front: Front) -> None:
    request = pb.ModeratePostRequest(post=message_of(""), correlation_id="mine")
    assert (await failure_of(front.moderation.ModeratePost(request))).metadata["x-correlation-id"] == "mine"


async def test_an_idempotency_key_is_logged_and_is_no_correlation_id(front: Front) -> None:
    request = pb.SubmitPostsRequest(posts=[message_of()], request_id="key")
    with capture_logs(processors=[merge_contextvars]) as events:
        echoed = (await trailers(front.moderation.SubmitPosts(request)))["x-correlation-id"]
    [call] = [event for event in events if event["event"] == "call"]
    assert (call["request_id"], call["correlation_id"]) == ("key", echoed)
    assert len(echoed) == 32
    request.request_id = "ü"
    assert (await failure_of(front.moderation.SubmitPosts(request))).field == "request_id"


async def test_one_event_per_call_without_the_text(front: Front) -> None:
    secret = "a text that nobody else may read"
    with capture_logs() as events:
        await front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of(secret), correlation_id="r1"))
        await failure_of(front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of(secret, region="x"))))
        await front.moderation.BatchModeratePosts(pb.BatchModeratePostsRequest(posts=[message_of(secret)]))
    calls = [event for event in events if event["event"] == "call"]
    assert [(event["method"], event["code"]) for event in calls] == [
        ("ModeratePost", "OK"),
        ("ModeratePost", "INVALID_ARGUMENT"),
        ("BatchModeratePosts", "OK"),
    ]
    assert calls[0]["correlation_id"] == "r1"
    assert calls[0]["peer"].startswith("ipv4:127.0.0.1")
    assert calls[0]["latency_ms"] > 0
    assert secret not in repr(events)


async def test_metrics_by_method_and_code(front: Front) -> None:
    for _ in range(3):
        await front.moderation.ModeratePost(pb.ModeratePostRequest(post=message_of()))
    await failure_of(front.moderation.ModeratePost(pb.ModeratePostRequest()))
    value = front.registry.get_sample_value
    assert value("assay_rpc_calls_total", {"method": "ModeratePost", "code": "OK"}) == 3
    assert value("assay_rpc_calls_total", {"method": "ModeratePost", "code": "INVALID_ARGUMENT"}) == 1
    assert value("assay_rpc_latency_seconds_count", {"method": "ModeratePost", "code": "OK"}) == 3
    assert value("assay_rpc_open_calls", {"method": "ModeratePost"}) == 0
