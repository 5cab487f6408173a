"""Accepted posts reach the queue, a few at a time, and come again when they were lost on the way."""

import asyncio
import contextlib

import pytest

from service.domain.post import Post
from service.errors import RedisUnavailable, StoreUnavailable
from service.moderation.batching import tokens
from service.moderation.transport import Lane
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until


async def taken(parts: PipelineParts) -> list[Post]:
    posts: list[Post] = []
    while sum((await parts.queue.inner.depths()).values()):
        batch = await parts.queue.take()
        assert not batch.reply_to
        assert batch.deadline is None
        assert batch.sent_at > 0
        posts += batch.posts
    return posts


async def test_accepted_posts_go_out_oldest_first_in_batches_within_the_budget(parts: PipelineParts) -> None:
    posts = [numbered(number) for number in range(20)]
    await parts.store.accept(posts)
    await parts.dispatcher(budget=32).dispatch(Lane.BULK)
    sizes = []
    sent: list[Post] = []
    while len(sent) < 20:
        batch = await parts.queue.take()
        sizes.append(sum(map(tokens, batch.posts)))
        sent += batch.posts
    assert sent == posts
    assert max(sizes) <= 32


async def test_a_post_that_is_leased_to_somebody_is_not_sent(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(1)], lease=60.0)
    await parts.store.accept([numbered(2)])
    await parts.dispatcher().dispatch(Lane.BULK)
    assert await taken(parts) == [numbered(2)]
    await parts.dispatcher().dispatch(Lane.BULK)
    assert await taken(parts) == []


async def test_while_the_lane_is_full_posts_stay_in_the_store(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(number) for number in range(100)])
    dispatcher = parts.dispatcher(budget=1, messages=2)
    assert await dispatcher.dispatch(Lane.BULK)
    queued = (await parts.queue.depths())[Lane.BULK]
    assert not await dispatcher.dispatch(Lane.BULK)
    assert (await parts.queue.depths())[Lane.BULK] == queued < 100
    assert len(await parts.store.claim(100, lease=1.0)) == 100 - queued


async def test_posts_whose_lease_ran_out_come_again_on_the_replay_lane_only(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(1)])
    dispatcher = parts.dispatcher(lease=0.01)
    await dispatcher.dispatch(Lane.BULK)
    assert await taken(parts) == [numbered(1)]
    await asyncio.sleep(0.015)
    await dispatcher.dispatch(Lane.BULK)
    assert (await parts.queue.depths())[Lane.BULK] == 0
    await dispatcher.dispatch(Lane.REPLAY)
    assert (await parts.queue.depths())[Lane.REPLAY] == 1


async def test_posts_that_cannot_be_sent_are_given_back_at_once(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(number) for number in range(10)])
    parts.queue.failing = {"send"}
    with pytest.raises(RedisUnavailable):
        await parts.dispatcher().dispatch(Lane.BULK)
    parts.queue.failing = set()
    await parts.dispatcher().dispatch(Lane.BULK)
    assert len(await taken(parts)) == 10


async def test_posts_that_were_not_sent_when_the_front_stops_are_given_back(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(1)])
    parts.queue.gates["send"] = asyncio.Event()
    task = asyncio.create_task(parts.dispatcher().dispatch(Lane.BULK))
    await until(lambda: "send" in parts.queue.calls)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await parts.store.claim(10, lease=1.0) == [numbered(1)]


async def test_a_stop_is_not_lost_when_nothing_can_be_given_back_either(parts: PipelineParts) -> None:
    await parts.store.accept([numbered(1)])
    dispatcher = parts.dispatcher()
    parts.store.failing = {"release"}
    parts.queue.gates["send"] = asyncio.Event()
    task = asyncio.create_task(dispatcher.run())
    await until(lambda: "send" in parts.queue.calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1.0)
    assert ("release", parts.store.error) in parts.told.failures


async def test_the_loop_sends_at_once_what_it_is_poked_for(parts: PipelineParts) -> None:
    dispatcher = parts.dispatcher()
    task = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    await parts.store.accept([numbered(number) for number in range(200)])
    dispatcher.poke()
    await until(lambda: "send" in parts.queue.calls)
    await until(lambda: parts.told.backlogs)
    task.cancel()
    assert parts.told.backlogs[0][0] == 200


async def test_the_loop_outlives_an_outage_of_the_store(parts: PipelineParts) -> None:
    parts.store.away = True
    dispatcher = parts.dispatcher()
    dispatcher.poke()
    task = asyncio.create_task(dispatcher.run())
    await until(lambda: parts.told.failures)
    assert isinstance(parts.told.failures[0][1], StoreUnavailable)
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
