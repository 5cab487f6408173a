"""StreamModeration: completion order, flow control, errors of single posts, cancellation, half-close, server stop."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from assay.v1 import moderation_service_pb2 as pb
from assay.v1 import post_pb2, verdict_pb2

from tests.factories import message_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_in
from tests.waiting import until


def request(post: post_pb2.Post, request_id: str, **fields: Any) -> pb.StreamModerationRequest:
    return pb.StreamModerationRequest(id=request_id, post=post, **fields)


async def test_answers_come_in_completion_order(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    await call.write(request(message_of("!wait", 1), "slow"))
    await call.write(request(message_of("quick", 2), "quick"))
    assert (await call.read()).id == "quick"
    front.pipeline.gate.set()
    assert (await call.read()).id == "slow"
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_half_close_drains(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    for number in range(50):
        await call.write(request(message_of("!wait", number), str(number)))
    await call.done_writing()
    await until(lambda: front.pipeline.running == 50)
    front.pipeline.gate.set()
    assert {answer.id async for answer in call} == set(map(str, range(50)))
    assert await call.code() is grpc.StatusCode.OK


async def test_bad_items_get_their_own_errors_and_the_stream_goes_on(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    bad = [
        (request(message_of(" "), "empty"), "post.text"),
        (pb.StreamModerationRequest(id="none"), "post"),
        (request(message_of(), ""), "id"),
        (request(message_of(), "x" * 129), "id"),
        (request(message_of(), "view", view=99), "view"),
    ]
    for message, field in bad:
        await call.write(message)
        answer = await call.read()
        assert answer.id == message.id
        assert failure_in(answer.result.error).field == field
    await call.write(request(message_of("!crash secret"), "crash"))
    failure = failure_in((await call.read()).result.error)
    assert failure.code is grpc.StatusCode.INTERNAL
    assert "secret" not in failure.message
    await call.write(request(message_of(), "good", view=verdict_pb2.VERDICT_VIEW_FULL))
    assert (await call.read()).result.verdict.HasField("evidence")
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_duplicate_id_in_flight_is_that_items_error(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    await call.write(request(message_of("!wait", 1), "same"))
    await call.write(request(message_of("other", 2), "same"))
    assert failure_in((await call.read()).result.error).field == "id"
    front.pipeline.gate.set()
    assert (await call.read()).result.verdict.post == "platforms/x/posts/1"
    await call.write(request(message_of("other", 2), "same"))
    assert (await call.read()).result.verdict.post == "platforms/x/posts/2"
    await call.done_writing()


async def test_at_most_1024_in_flight(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()

    async def feed() -> None:
        for number in range(1_500):
            await call.write(request(message_of("!wait", number), str(number)))
        await call.done_writing()

    feeder = asyncio.create_task(feed())
    await until(lambda: front.pipeline.running == 1_024)
    await asyncio.sleep(0.2)
    assert front.pipeline.peak == 1_024
    front.pipeline.gate.set()
    assert len({answer.id async for answer in call}) == 1_500
    await feeder
    assert front.pipeline.peak == 1_024


async def test_client_that_reads_nothing_holds_the_server_at_1024(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()

    async def feed() -> None:
        for number in range(10_000):
            post = message_of("x", number)
            post.name += "n" * 450  # the answers repeat it: together far more than the transport holds
            await call.write(request(post, str(number)))
        await call.done_writing()

    feeder = asyncio.create_task(feed())
    await until(lambda: len(front.pipeline.deadlines) >= 1_024, within=60.0)
    counts = [0, len(front.pipeline.deadlines)]
    while counts[-1] > counts[-2]:  # until it stands still
        await asyncio.sleep(1.0)
        counts.append(len(front.pipeline.deadlines))
    assert counts[-1] < 10_000
    assert len({answer.id async for answer in call}) == 10_000
    await feeder


async def test_cancel_cleans_up(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    for number in range(20):
        await call.write(request(message_of("!wait", number), str(number)))
    await until(lambda: front.pipeline.running == 20)
    call.cancel()
    await until(lambda: front.pipeline.running == 0)
    assert front.pipeline.cancelled == 20
    code = {"method": "StreamModeration", "code": "CANCELLED"}
    await until(lambda: front.registry.get_sample_value("assay_rpc_calls_total", code) == 1.0)
    assert front.registry.get_sample_value("assay_rpc_open_calls", {"method": "StreamModeration"}) == 0.0


async def test_call_deadline_holds_for_its_posts(front: Front) -> None:
    call: Any = front.moderation.StreamModeration(timeout=0.6)
    await call.write(request(message_of("!late"), "late"))
    assert failure_in((await call.read()).result.error).code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_server_stop_answers_what_was_read_and_says_unavailable(front: Front) -> None:
    call: Any = front.moderation.StreamModeration()
    await call.write(request(message_of("!wait", 1), "1"))
    await until(lambda: front.pipeline.running == 1)
    stopping = asyncio.create_task(front.server.stop(grace=9.0))
    await asyncio.sleep(0.1)
    front.pipeline.gate.set()
    assert (await call.read()).id == "1"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "send again what was not answered" in (caught.value.details() or "")
    await asyncio.wait_for(stopping, 5.0)
