"""Accepted posts reach the queue, a few at a time, and come again when they were lost on the way."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from service.domain.post import Post
from service.errors import RedisUnavailable, StoreUnavailable
from service.moderation.batching import tokens
from service.moderation.transport import Lane

PostOf = Callable[..., Post]


async def taken(house: Any) -> list[Post]:
    posts: list[Post] = []
    while sum((await house.queue.inner.depths()).values()):
        batch = await house.queue.take()
        assert not batch.reply_to
        assert batch.deadline is None
        assert batch.sent_at > 0
        posts += batch.posts
    return posts


async def test_accepted_posts_go_out_oldest_first_in_batches_within_the_budget(house: Any, post: PostOf):
    posts = [post(number) for number in range(20)]
    await house.store.accept(posts)
    await house.dispatcher(budget=32).dispatch(Lane.BULK)
    sizes = []
    sent: list[Post] = []
    while len(sent) < 20:
        batch = await house.queue.take()
        sizes.append(sum(map(tokens, batch.posts)))
        sent += batch.posts
    assert sent == posts
    assert max(sizes) <= 32


async def test_a_post_that_is_leased_to_somebody_is_not_sent(house: Any, post: PostOf):
    await house.store.accept([post(1)], lease=60.0)
    await house.store.accept([post(2)])
    await house.dispatcher().dispatch(Lane.BULK)
    assert await taken(house) == [post(2)]
    await house.dispatcher().dispatch(Lane.BULK)
    assert await taken(house) == []


async def test_while_the_lane_is_full_posts_stay_in_the_store(house: Any, post: PostOf):
    await house.store.accept([post(number) for number in range(100)])
    dispatcher = house.dispatcher(budget=1, messages=2)
    assert await dispatcher.dispatch(Lane.BULK)
    queued = (await house.queue.depths())[Lane.BULK]
    assert not await dispatcher.dispatch(Lane.BULK)
    assert (await house.queue.depths())[Lane.BULK] == queued < 100
    assert len(await house.store.claim(100, lease=1.0)) == 100 - queued


async def test_posts_whose_lease_ran_out_come_again_on_the_replay_lane_only(house: Any, post: PostOf):
    await house.store.accept([post(1)])
    dispatcher = house.dispatcher(lease=0.01)
    await dispatcher.dispatch(Lane.BULK)
    assert await taken(house) == [post(1)]
    await asyncio.sleep(0.015)
    await dispatcher.dispatch(Lane.BULK)
    assert (await house.queue.depths())[Lane.BULK] == 0
    await dispatcher.dispatch(Lane.REPLAY)
    assert (await house.queue.depths())[Lane.REPLAY] == 1


async def test_posts_that_cannot_be_sent_are_given_back_at_once(house: Any, post: PostOf):
    await house.store.accept([post(number) for number in range(10)])
    house.queue.failing = {"send"}
    with pytest.raises(RedisUnavailable):
        await house.dispatcher().dispatch(Lane.BULK)
    house.queue.failing = set()
    await house.dispatcher().dispatch(Lane.BULK)
    assert len(await taken(house)) == 10


async def test_posts_that_were_not_sent_when_the_front_stops_are_given_back(house: Any, post: PostOf, until: Any):
    await house.store.accept([post(1)])
    house.queue.gates["send"] = asyncio.Event()
    task = asyncio.create_task(house.dispatcher().dispatch(Lane.BULK))
    await until(lambda: "send" in house.queue.calls)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await house.store.claim(10, lease=1.0) == [post(1)]


async def test_a_stop_is_not_lost_when_nothing_can_be_given_back_either(house: Any, post: PostOf, until: Any):
    await house.store.accept([post(1)])
    dispatcher = house.dispatcher()
    house.store.failing = {"release"}
    house.queue.gates["send"] = asyncio.Event()
    task = asyncio.create_task(dispatcher.run())
    await until(lambda: "send" in house.queue.calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1.0)
    assert ("release", house.store.error) in house.observer.failures


async def test_the_loop_sends_at_once_what_it_is_poked_for(house: Any, post: PostOf, until: Any):
    dispatcher = house.dispatcher()
    task = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    await house.store.accept([post(number) for number in range(200)])
    dispatcher.poke()
    await until(lambda: "send" in house.queue.calls)
    await until(lambda: house.observer.backlogs)
    task.cancel()
    assert house.observer.backlogs[0][0] == 200


async def test_the_loop_outlives_an_outage_of_the_store(house: Any, until: Any):
    house.store.away = True
    dispatcher = house.dispatcher()
    dispatcher.poke()
    task = asyncio.create_task(dispatcher.run())
    await until(lambda: house.observer.failures)
    assert isinstance(house.observer.failures[0][1], StoreUnavailable)
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
