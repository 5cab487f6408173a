"""Answers from the cache are recorded behind the caller's back, through outages and stops."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.errors import StoreUnavailable
from tests.factories import model_verdict, numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until

VerdictOn = Callable[..., Verdict]


def fill(late: Any, posts: list[Post], verdict_on: VerdictOn) -> None:
    for one in posts:
        late.put(one, verdict_on(one, source=Source.CACHE))


async def recorded(parts: PipelineParts, posts: list[Post]) -> list[bool]:
    return [verdict is not None for verdict in await parts.store.inner.find([one.key for one in posts])]


async def test_answers_are_recorded_in_bulk_cached_and_announced(parts: PipelineParts) -> None:
    late, posts = parts.write_behind(), [numbered(number) for number in range(30)]
    fill(late, posts, model_verdict)
    await late.flush()
    assert all(await recorded(parts, posts))
    assert parts.store.calls == ["accept", "record"]
    assert parts.announcer.calls == ["announce"]
    [hit] = await parts.cache.find([posts[0]], judged_by=parts.classifier.judged_by, policy_version="policy-1")
    assert hit.verdict.sequence > 0


async def test_the_loop_records_what_comes(parts: PipelineParts) -> None:
    late = parts.write_behind()
    task = asyncio.create_task(late.run())
    fill(late, [numbered(1)], model_verdict)
    await until(lambda: parts.announcer.calls)
    assert await recorded(parts, [numbered(1)]) == [True]
    task.cancel()


async def test_an_outage_of_the_store_loses_nothing_and_keeps_the_order(parts: PipelineParts) -> None:
    late, posts = parts.write_behind(), [numbered(number) for number in range(10)]
    fill(late, posts[:6], model_verdict)
    parts.store.away = True
    with pytest.raises(StoreUnavailable):
        await late.flush()
    fill(late, posts[6:], model_verdict)
    parts.store.away = False
    await late.flush()
    sequences = [verdict.sequence for verdict in await parts.store.find([one.key for one in posts])]
    assert sequences == list(range(1, 11))


async def test_a_stop_while_recording_loses_nothing(parts: PipelineParts) -> None:
    late, posts = parts.write_behind(), [numbered(number) for number in range(5)]
    fill(late, posts, model_verdict)
    parts.store.gates["record"] = asyncio.Event()
    task = asyncio.create_task(late.flush())
    await until(lambda: parts.store.calls)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    parts.store.gates.clear()
    await late.flush()
    assert all(await recorded(parts, posts))


async def test_beyond_its_capacity_the_oldest_are_dropped_and_reported(parts: PipelineParts) -> None:
    late, posts = parts.write_behind(capacity=4), [numbered(number) for number in range(6)]
    fill(late, posts, model_verdict)
    assert len(parts.told.failures) == 2
    await late.flush()
    assert await recorded(parts, posts) == [False, False, True, True, True, True]


async def test_answers_that_came_during_a_failed_attempt_are_not_dropped_for_older_ones(parts: PipelineParts) -> None:
    late, posts = parts.write_behind(capacity=4), [numbered(number) for number in range(6)]
    fill(late, posts[:3], model_verdict)
    parts.store.gates["accept"], parts.store.away = asyncio.Event(), True
    task = asyncio.create_task(late.flush())
    await until(lambda: parts.store.calls)
    fill(late, posts[3:], model_verdict)
    parts.store.gates["accept"].set()
    with pytest.raises(StoreUnavailable):
        await task
    assert "2 answers" in str(parts.told.failures[0][1])
    parts.store.away = False
    await late.flush()
    assert await recorded(parts, posts) == [False, False, True, True, True, True]


async def test_while_redis_is_away_answers_are_recorded_all_the_same(parts: PipelineParts) -> None:
    late = parts.write_behind()
    fill(late, [numbered(1)], model_verdict)
    parts.redis_away()
    await late.flush()
    assert await recorded(parts, [numbered(1)]) == [True]
    assert [where for where, _ in parts.told.failures] == ["write_behind"]


async def test_where_another_policy_decided_the_post_first_this_policys_answer_is_cached(parts: PipelineParts) -> None:
    late = parts.write_behind()
    await parts.store.record([numbered(1)], [model_verdict(numbered(1), policy_version="policy-0")])
    fill(late, [numbered(1)], model_verdict)
    await late.flush()
    [hit] = await parts.cache.find([numbered(1)], judged_by=parts.classifier.judged_by, policy_version="policy-1")
    assert hit.verdict.policy_version == "policy-1"
    [stands] = await parts.store.find([numbered(1).key])
    assert stands.policy_version == "policy-0"


async def test_where_the_same_policy_decided_the_post_first_that_verdict_is_cached(parts: PipelineParts) -> None:
    late = parts.write_behind()
    [first] = await parts.store.record([numbered(1)], [model_verdict(numbered(1))])
    fill(late, [numbered(1)], model_verdict)
    await late.flush()
    [hit] = await parts.cache.find([numbered(1)], judged_by=parts.classifier.judged_by, policy_version="policy-1")
    assert (hit.verdict.sequence, hit.verdict.source) == (first.sequence, Source.MODEL)


async def test_an_edit_taken_back_and_answered_from_the_cache_speaks_for_its_name_again(parts: PipelineParts) -> None:
    late, first, edited = parts.write_behind(), numbered(1, "first"), numbered(1, "edited")
    for version in (first, edited, first):
        fill(late, [version], model_verdict)
        await late.flush()
    assert (await parts.store.inner.latest(first.name)).post == first.key
