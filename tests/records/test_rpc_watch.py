"""WatchVerdicts: cursors, heartbeats, reconnecting, slow and many watchers, server stop."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import grpc.aio
import pytest
from assay.v1 import verdict_pb2
from assay.v1 import verdict_service_pb2 as pb

from service.errors import RedisUnavailable
from tests.factories import post_of, verdict_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of

Decide = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def decide(front: Front) -> Decide:
    """Decides posts called by these numbers."""

    async def record(*numbers: int) -> None:
        for number in numbers:
            await front.pipeline.decide(post_of(f"text {number}", str(number)))

    return record


async def next_numbers(call: Any, count: int) -> tuple[list[int], str]:
    """Numbers of the next `count` verdicts, and the last cursor."""
    found: list[int] = []
    cursor = ""
    async with asyncio.timeout(10):
        while len(found) < count:
            message = await call.read()
            cursor = message.cursor
            if message.HasField("verdict"):
                found.append(int(message.verdict.post.rpartition("/")[2]))
    return found, cursor


async def test_from_now_on_begins_with_a_heartbeat(front: Front, decide: Decide) -> None:
    await decide(1, 2)
    call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest())
    first = await call.read()
    assert (first.cursor, first.HasField("verdict")) == ("2", False)
    await decide(3)
    assert await next_numbers(call, 1) == ([3], "3")
    call.cancel()


async def test_from_the_beginning(front: Front, decide: Decide) -> None:
    await decide(*range(600))
    call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor="0"))
    assert (await next_numbers(call, 600))[0] == list(range(600))
    call.cancel()


async def test_heartbeats_when_silent(front: Front) -> None:
    call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor="0"))
    async with asyncio.timeout(3):
        for _ in range(3):
            assert (await call.read()).cursor == "0"
    call.cancel()


async def test_reconnecting_watcher_misses_none_and_gets_none_twice(front: Front, decide: Decide) -> None:
    seen: list[int] = []
    cursor = "0"
    deciding = asyncio.create_task(decide(*range(400)))
    while len(seen) < 400:
        call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor=cursor))
        numbers, cursor = await next_numbers(call, min(7 + len(seen) % 13, 400 - len(seen)))
        seen += numbers
        call.cancel()
    await deciding
    assert seen == list(range(400))


async def test_filter_and_view(front: Front, decide: Decide) -> None:
    await decide(1)
    for decision, expected in ((verdict_pb2.DECISION_LABEL, True), (verdict_pb2.DECISION_BLOCK, False)):
        only = pb.VerdictFilter(decisions=[decision])
        request = pb.WatchVerdictsRequest(cursor="0", filter=only, view=verdict_pb2.VERDICT_VIEW_FULL)
        call: Any = front.verdicts.WatchVerdicts(request)
        message = await call.read()
        assert message.cursor == "1"  # also where the filter left it out
        assert message.HasField("verdict") is expected
        assert message.verdict.HasField("evidence") is expected
        call.cancel()


@pytest.mark.parametrize("cursor", ["garbage", "-1", "1.0", "²", "9" * 19, "9" * 40, "5"])
async def test_bad_cursor(front: Front, cursor: str) -> None:
    call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor=cursor))
    failure = await failure_of(call.read())
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "cursor")


async def test_many_watchers_share_and_a_slow_one_hurts_none(front: Front, decide: Decide) -> None:
    slow = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor="0"))
    calls = [front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest(cursor="0")) for _ in range(30)]
    deciding = asyncio.create_task(decide(*range(400)))
    found = await asyncio.gather(*(next_numbers(call, 400) for call in calls))
    await deciding
    assert all(numbers == list(range(400)) for numbers, _ in found)
    assert (await next_numbers(slow, 400))[0] == list(range(400))
    for call in (slow, *calls):
        call.cancel()


async def test_without_announcements_the_poll_finds_it(front: Front) -> None:
    async def away(_seconds: float) -> None:
        raise RedisUnavailable("gone")

    announcer: Any = front.pipeline.announcer
    announcer.wait = away
    call: Any = front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest())
    await call.read()
    await front.store.record([post_of()], [verdict_of(post_of())])
    assert (await next_numbers(call, 1))[0] == [1]
    call.cancel()


async def test_server_stop_ends_watches_with_unavailable(front: Front) -> None:
    answers = aiter(front.verdicts.WatchVerdicts(pb.WatchVerdictsRequest()))
    await anext(answers)
    await asyncio.wait_for(front.server.stop(grace=9.0), 5.0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [None async for _ in answers]
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "last cursor" in (caught.value.details() or "")
