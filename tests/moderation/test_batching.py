"""Posts of many calls become batches worth a pass, few of them in flight, and nobody waits for ever."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.post import Context, Post
from service.domain.verdict import Verdict
from service.errors import DeadlineExceeded, Overloaded, StoreUnavailable, Unavailable
from service.moderation.batching import MicroBatcher, batches, tokens
from service.moderation.transport import Batch, Reply
from tests.factories import model_verdict, numbered
from tests.waiting import until

VerdictOn = Callable[..., Verdict]
SIZES = st.lists(st.integers(0, 400), max_size=30)


def sized(sizes: list[int]) -> list[Post]:
    return [Post(platform="example", id=str(number), text="x" * size) for number, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 60))
def test_runs_keep_every_post_in_order_and_within_the_budget(sizes: list[int], budget: int) -> None:
    posts = sized(sizes)
    runs = batches(posts, budget)
    assert [post for run in runs for post in run] == posts
    assert all(len(run) == 1 or sum(map(tokens, run)) <= budget for run in runs)


@given(SIZES, st.integers(1, 60))
def test_no_run_ends_before_the_next_post_would_break_the_budget(sizes: list[int], budget: int) -> None:
    runs = batches(sized(sizes), budget)
    assert all(sum(map(tokens, (*run, after[0]))) > budget for run, after in pairwise(runs))


def test_context_counts_as_tokens_and_no_post_is_free() -> None:
    long = Post(platform="example", id="1", text="", context=Context(parent_text="x" * 400))
    assert tokens(long) == 101
    assert tokens(Post(platform="example", id="1", text="")) == 1


class Shipped(list[Batch]):
    """Where batches go; `error` is raised instead, while there is one."""

    error: Exception | None = None

    async def __call__(self, batch: Batch) -> None:
        if self.error:
            raise self.error
        self.append(batch)


def soon(seconds: float = 5.0) -> float:
    return time.time() + seconds


def answer(batch: Batch, verdict_on: VerdictOn) -> Reply:
    return Reply(batch.id, tuple(verdict_on(post) for post in batch.posts))


@asynccontextmanager
async def batching(ship: Shipped, **options: Any) -> AsyncIterator[MicroBatcher]:
    """A running micro_batcher with a budget of eight short posts and room for two batches."""
    defaults = {"budget": 64, "window": 0.002, "max_waiting": 100, "patience": 60.0, "room": lambda: 2}
    micro_batcher = MicroBatcher(ship, front="front-1", **{**defaults, **options})
    task = asyncio.create_task(micro_batcher.run())
    try:
        yield micro_batcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_posts_of_many_calls_leave_in_one_batch() -> None:
    ship = Shipped()
    async with batching(ship, window=0.02) as micro_batcher:
        for number in range(5):
            micro_batcher.put(numbered(number), soon())
            await asyncio.sleep(0.001)
        await until(lambda: ship)
    assert [len(batch.posts) for batch in ship] == [5]
    assert ship[0].reply_to == "front-1"


async def test_a_full_batch_does_not_wait_for_the_window() -> None:
    ship = Shipped()
    async with batching(ship, window=30.0) as micro_batcher:
        for number in range(12):
            micro_batcher.put(numbered(number), soon())
        await until(lambda: ship)
    assert sum(map(tokens, ship[0].posts)) <= 64


async def test_a_burst_leaves_no_more_batches_than_there_is_room_for() -> None:
    ship = Shipped()
    async with batching(ship) as micro_batcher:
        waits = [micro_batcher.put(numbered(number), soon()) for number in range(60)]
        await until(lambda: len(ship) == 2)
        await asyncio.sleep(0.01)
        assert len(ship) == 2
        micro_batcher.answered(answer(ship[0], model_verdict))
        await until(lambda: len(ship) == 3)
        await asyncio.sleep(0.01)
        assert len(ship) == 3
        assert len(micro_batcher) == 60 - len(ship[0].posts)
        assert sum(wait.verdict.done() for wait in waits) == len(ship[0].posts)


async def test_posts_that_come_while_workers_are_busy_fill_the_batch_being_built() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 1) as micro_batcher:
        micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        for number in range(1, 7):
            micro_batcher.put(numbered(number), soon())
            await asyncio.sleep(0.001)
        micro_batcher.answered(answer(ship[0], model_verdict))
        await until(lambda: len(ship) == 2)
    assert len(ship[1].posts) == 6


async def test_without_a_known_worker_one_batch_leaves_all_the_same() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 0) as micro_batcher:
        micro_batcher.put(numbered(), soon())
        await until(lambda: ship)


async def test_each_waiter_gets_the_verdict_of_its_own_post() -> None:
    ship = Shipped()
    async with batching(ship) as micro_batcher:
        waits = [micro_batcher.put(numbered(number), soon()) for number in range(3)]
        await until(lambda: ship)
        micro_batcher.answered(Reply(ship[0].id, tuple(model_verdict(numbered(number)) for number in (2, 0, 1))))
        assert [(await wait.verdict).post for wait in waits] == [numbered(number).key for number in range(3)]
        assert len(micro_batcher) == 0


async def test_posts_that_a_reply_leaves_out_fail_at_once() -> None:
    ship = Shipped()
    async with batching(ship) as micro_batcher:
        first, second = micro_batcher.put(numbered(1), soon()), micro_batcher.put(numbered(2), soon())
        await until(lambda: ship)
        micro_batcher.answered(Reply(ship[0].id, (model_verdict(numbered(1)),), (numbered(2).key,)))
        assert (await first.verdict).post == numbered(1).key
        with pytest.raises(DeadlineExceeded):
            await second.verdict


async def test_a_reply_that_comes_twice_or_too_late_is_no_error() -> None:
    ship = Shipped()
    async with batching(ship) as micro_batcher:
        wait = micro_batcher.put(numbered(), soon())
        await until(lambda: ship)
        for _ in range(2):
            micro_batcher.answered(answer(ship[0], model_verdict))
        micro_batcher.answered(Reply("never sent", ()))
        assert (await wait.verdict).post == numbered().key


async def test_too_many_waiting_posts_are_refused_with_the_time_it_takes() -> None:
    ship = Shipped()
    async with batching(ship, max_waiting=20, room=lambda: 1) as micro_batcher:
        micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        for number in range(1, 21):
            micro_batcher.put(numbered(number), soon())
        with pytest.raises(Overloaded, match="20 posts wait") as caught:
            micro_batcher.put(numbered(99), soon())
        queued = sum(tokens(numbered(number)) for number in range(1, 21)) / 64
        assert caught.value.retry_after == pytest.approx(0.1 * queued)


async def test_the_time_to_come_back_follows_the_pace_of_the_workers() -> None:
    ship = Shipped()

    def refusal(micro_batcher: MicroBatcher) -> float:
        with pytest.raises(Overloaded) as caught:
            [micro_batcher.put(numbered(number), soon()) for number in range(1000, 1100)]
        return caught.value.retry_after

    async with batching(ship, max_waiting=40, room=lambda: 1) as micro_batcher:
        micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        at_first = refusal(micro_batcher)
        for number in range(4):  # answered in a moment, where a tenth of a second was expected
            await until(lambda: len(ship) > number)  # noqa: B023 - awaited here
            micro_batcher.answered(answer(ship[number], model_verdict))
        assert 0.05 <= refusal(micro_batcher) < at_first


async def test_posts_whose_callers_are_gone_make_room_for_new_ones_and_are_not_sent() -> None:
    ship = Shipped()
    async with batching(ship, max_waiting=3, room=lambda: 1) as micro_batcher:
        micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        late = [micro_batcher.put(numbered(number), soon(0.01)) for number in (1, 2, 3)]
        await asyncio.sleep(0.015)
        fresh = micro_batcher.put(numbered(4), soon())
        for wait in late:
            with pytest.raises(DeadlineExceeded):
                await wait.verdict
        micro_batcher.answered(Reply(ship[0].id, ()))
        await until(lambda: len(ship) == 2)
        assert ship[1].posts == (fresh.post,)


async def test_who_joins_with_more_time_keeps_the_post_waiting() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 1) as micro_batcher:
        micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        wait = micro_batcher.put(numbered(1), soon(0.01))
        wait.deadline = soon(5.0)
        await asyncio.sleep(0.015)
        micro_batcher.answered(Reply(ship[0].id, ()))
        await until(lambda: len(ship) == 2)
        assert ship[1].posts == (numbered(1),)
        assert ship[1].deadline == wait.deadline


async def test_a_batch_that_nobody_answers_fails_at_its_deadline_and_frees_its_slot() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 1) as micro_batcher:
        dead, longer = micro_batcher.put(numbered(1), soon(0.02)), micro_batcher.put(numbered(2), soon(0.05))
        await until(lambda: ship)
        micro_batcher.put(numbered(3), soon())
        for wait in (dead, longer):
            with pytest.raises(DeadlineExceeded, match="no worker answered"):
                await wait.verdict
        assert time.time() >= longer.deadline - 0.005
        await until(lambda: len(ship) == 2)


async def test_a_lost_batch_frees_its_slot_long_before_a_far_deadline() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 1, patience=0.03) as micro_batcher:
        lost = micro_batcher.put(numbered(1), soon(3600))
        await until(lambda: ship)
        micro_batcher.put(numbered(2), soon())
        await until(lambda: len(ship) == 2)
        with pytest.raises(DeadlineExceeded):
            await lost.verdict


async def test_a_batch_that_cannot_be_shipped_fails_with_the_reason_and_frees_its_slot() -> None:
    ship = Shipped()
    ship.error = StoreUnavailable("the store is away")
    async with batching(ship, room=lambda: 1) as micro_batcher:
        wait = micro_batcher.put(numbered(1), soon())
        with pytest.raises(StoreUnavailable):
            await wait.verdict
        ship.error = None
        micro_batcher.put(numbered(2), soon())
        await until(lambda: ship)


async def test_closing_fails_all_that_wait_and_all_in_flight() -> None:
    ship = Shipped()
    async with batching(ship, room=lambda: 1) as micro_batcher:
        flying = micro_batcher.put(numbered(0), soon())
        await until(lambda: ship)
        waiting = [micro_batcher.put(numbered(number), soon()) for number in range(1, 20)]
        await micro_batcher.close()
        for wait in (flying, *waiting):
            with pytest.raises(Unavailable, match="stopping"):
                await wait.verdict
        assert len(micro_batcher) == 0
