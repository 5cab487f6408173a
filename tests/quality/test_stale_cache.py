"""Stale while revalidated: one question at a time, stale ones are renewed behind, failures are not kept."""

import asyncio

import pytest

from service.quality.stale_cache import StaleCache
from tests.fakes.clock import Clock
from tests.waiting import until


async def test_one_question_for_many_and_a_stale_answer_while_it_is_asked_again() -> None:
    clock = Clock(0.0)
    asked: list[float] = []
    cache = StaleCache(60.0, clock)

    async def make() -> int:
        asked.append(clock.time)
        await asyncio.sleep(0)
        return len(asked)

    assert await asyncio.gather(*(cache.ask("a", make) for _ in range(5))) == [1] * 5
    clock.time = 59.0
    assert await cache.ask("a", make) == 1
    clock.time = 61.0
    assert [await cache.ask("a", make) for _ in range(2)] == [1, 1]

    async def renewed() -> bool:
        return await cache.ask("a", make) == 2

    await until(renewed)
    assert asked == [0.0, 61.0]
    assert await cache.ask("b", make) == 3


async def test_a_failure_is_told_and_not_kept() -> None:
    cache, broken = StaleCache(60.0), [True]

    async def make() -> str:
        if broken:
            raise OSError
        return "fine"

    with pytest.raises(OSError):  # noqa: PT011 - it has no more to tell
        await cache.ask("a", make)
    broken.clear()
    assert await cache.ask("a", make) == "fine"


async def test_nothing_is_kept_for_no_time() -> None:
    cache = StaleCache()
    asked: list[int] = []

    async def make() -> int:
        asked.append(1)
        return len(asked)

    assert [await cache.ask("a", make) for _ in range(2)] == [1, 2]
