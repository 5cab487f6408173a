"""Answers from the cache are recorded behind the caller's back, through outages and stops."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import StoreUnavailable

PostOf = Callable[..., Post]
VerdictOn = Callable[..., Verdict]


def fill(late: Any, posts: list[Post], verdict_on: VerdictOn) -> None:
    for one in posts:
        late.put(one, verdict_on(one, source=Source.CACHE))


async def recorded(house: Any, posts: list[Post]) -> list[bool]:
    return [verdict is not None for verdict in await house.store.inner.find([one.key for one in posts])]


async def test_answers_are_recorded_in_bulk_cached_and_announced(house: Any, post: PostOf, verdict_on: VerdictOn):
    late, posts = house.write_behind(), [post(number) for number in range(30)]
    fill(late, posts, verdict_on)
    await late.flush()
    assert all(await recorded(house, posts))
    assert house.store.calls == ["accept", "record"]
    assert house.announcer.calls == ["announce"]
    [hit] = await house.cache.find([posts[0]], judged_by=house.classifier.judged_by, policy_version="policy-1")
    assert hit.verdict.sequence > 0


async def test_the_loop_records_what_comes(house: Any, post: PostOf, verdict_on: VerdictOn, until: Any):
    late = house.write_behind()
    task = asyncio.create_task(late.run())
    fill(late, [post(1)], verdict_on)
    await until(lambda: house.announcer.calls)
    assert await recorded(house, [post(1)]) == [True]
    task.cancel()


async def test_an_outage_of_the_store_loses_nothing_and_keeps_the_order(
    house: Any, post: PostOf, verdict_on: VerdictOn
):
    late, posts = house.write_behind(), [post(number) for number in range(10)]
    fill(late, posts[:6], verdict_on)
    house.store.away = True
    with pytest.raises(StoreUnavailable):
        await late.flush()
    fill(late, posts[6:], verdict_on)
    house.store.away = False
    await late.flush()
    sequences = [verdict.sequence for verdict in await house.store.find([one.key for one in posts])]
    assert sequences == list(range(1, 11))


async def test_a_stop_while_recording_loses_nothing(house: Any, post: PostOf, verdict_on: VerdictOn, until: Any):
    late, posts = house.write_behind(), [post(number) for number in range(5)]
    fill(late, posts, verdict_on)
    house.store.gates["record"] = asyncio.Event()
    task = asyncio.create_task(late.flush())
    await until(lambda: house.store.calls)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    house.store.gates.clear()
    await late.flush()
    assert all(await recorded(house, posts))


async def test_beyond_its_capacity_the_oldest_are_let_go_and_that_is_told(
    house: Any, post: PostOf, verdict_on: VerdictOn
):
    late, posts = house.write_behind(capacity=4), [post(number) for number in range(6)]
    fill(late, posts, verdict_on)
    assert len(house.observer.failures) == 2
    await late.flush()
    assert await recorded(house, posts) == [False, False, True, True, True, True]


async def test_answers_that_came_during_a_failed_attempt_are_not_let_go_for_older_ones(
    house: Any, post: PostOf, verdict_on: VerdictOn, until: Any
):
    late, posts = house.write_behind(capacity=4), [post(number) for number in range(6)]
    fill(late, posts[:3], verdict_on)
    house.store.gates["accept"], house.store.away = asyncio.Event(), True
    task = asyncio.create_task(late.flush())
    await until(lambda: house.store.calls)
    fill(late, posts[3:], verdict_on)
    house.store.gates["accept"].set()
    with pytest.raises(StoreUnavailable):
        await task
    assert "2 answers" in str(house.observer.failures[0][1])
    house.store.away = False
    await late.flush()
    assert await recorded(house, posts) == [False, False, True, True, True, True]


async def test_while_redis_is_away_answers_are_recorded_all_the_same(house: Any, post: PostOf, verdict_on: VerdictOn):
    late = house.write_behind()
    fill(late, [post(1)], verdict_on)
    house.redis_away()
    await late.flush()
    assert await recorded(house, [post(1)]) == [True]
    assert [where for where, _ in house.observer.failures] == ["write_behind"]


async def test_where_another_policy_decided_the_post_first_this_policys_answer_is_cached(
    house: Any, post: PostOf, verdict_on: VerdictOn
):
    late = house.write_behind()
    await house.store.record([post(1)], [verdict_on(post(1), policy_version="policy-0")])
    fill(late, [post(1)], verdict_on)
    await late.flush()
    [hit] = await house.cache.find([post(1)], judged_by=house.classifier.judged_by, policy_version="policy-1")
    assert hit.verdict.policy_version == "policy-1"
    [stands] = await house.store.find([post(1).key])
    assert stands.policy_version == "policy-0"


async def test_where_the_same_policy_decided_the_post_first_that_verdict_is_cached(
    house: Any, post: PostOf, verdict_on: VerdictOn
):
    late = house.write_behind()
    [first] = await house.store.record([post(1)], [verdict_on(post(1))])
    fill(late, [post(1)], verdict_on)
    await late.flush()
    [hit] = await house.cache.find([post(1)], judged_by=house.classifier.judged_by, policy_version="policy-1")
    assert (hit.verdict.sequence, hit.verdict.source) == (first.sequence, Source.MODEL)


async def test_an_edit_taken_back_and_answered_from_the_cache_speaks_for_its_name_again(
    house: Any, post: PostOf, verdict_on: VerdictOn
):
    late, first, edited = house.write_behind(), post(1, "first"), post(1, "edited")
    for version in (first, edited, first):
        fill(late, [version], verdict_on)
        await late.flush()
    assert (await house.store.inner.latest(first.name)).post == first.key
