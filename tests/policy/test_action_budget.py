"""What every `ActionBudget` keeps to: in memory, in Redis."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.post import PostKey
from service.errors import RedisUnavailable
from service.policy.ports import ActionBudget
from service.policy.redis_budget import RedisBudget
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.fakes.budget import MemoryBudget


def keys(count: int, start: int = 0) -> list[PostKey]:
    return [PostKey(f"platforms/x/posts/{number}", "f") for number in range(start, start + count)]


@pytest.fixture(params=["memory", "redis"])
def budget(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> ActionBudget:
    return MemoryBudget() if request.param == "memory" else RedisBudget(redis_connection)


async def test_nothing_is_spent_at_first(budget: ActionBudget) -> None:
    state = await budget.state()
    assert (state.spent, state.granted, state.opened_at, state.limit) == (0, 0, None, None)
    assert not await budget.close()


async def test_the_breaker_opens_at_the_first_that_does_not_fit(budget: ActionBudget) -> None:
    assert await budget.spend(keys(3), 3) == ([True] * 3, False)
    assert (await budget.state()).opened_at is None
    before = datetime.now(UTC)
    assert await budget.spend(keys(2, start=3), 3) == ([False] * 2, True)
    state = await budget.state()
    assert state.spent == 3
    assert state.opened_at is not None
    assert abs((state.opened_at - before).total_seconds()) < 2
    assert await budget.spend(keys(1, start=9), 3) == ([False], False)


async def test_a_batch_may_reach_beyond_the_limit(budget: ActionBudget) -> None:
    assert await budget.spend(keys(5), 3) == ([True] * 3 + [False] * 2, True)


async def test_a_post_counts_once_and_passes_again_while_the_breaker_is_open(budget: ActionBudget) -> None:
    await budget.spend(keys(2), 2)
    assert await budget.spend([*keys(2), *keys(2)], 2) == ([True] * 4, False)
    assert await budget.spend(keys(3), 2) == ([True, True, False], True)
    assert await budget.spend(keys(2), 2) == ([True, True], False)
    assert (await budget.state()).spent == 2


async def test_an_open_breaker_stays_open_under_a_higher_limit(budget: ActionBudget) -> None:
    await budget.spend(keys(2), 1)
    assert await budget.spend(keys(1, start=5), 100) == ([False], False)


async def test_closing_grants_the_limit_once_more(budget: ActionBudget) -> None:
    await budget.spend(keys(4), 3)
    assert await budget.close()
    assert not await budget.close()
    state = await budget.state()
    assert (state.spent, state.granted, state.opened_at) == (3, 3, None)
    assert await budget.spend(keys(4, start=10), 3) == ([True] * 3 + [False], True)
    assert await budget.close()
    assert await budget.spend(keys(4, start=20), 3) == ([True] * 3 + [False], True)


async def test_a_budget_of_nothing(budget: ActionBudget) -> None:
    assert await budget.spend(keys(1), 0) == ([False], True)


async def test_rivals_never_spend_more_than_there_is(budget: ActionBudget) -> None:
    answers = await asyncio.gather(*(budget.spend(keys(7, start=7 * n), 50) for n in range(20)))
    assert sum(sum(granted) for granted, _ in answers) == 50
    assert sum(opened for _, opened in answers) == 1
    assert (await budget.state()).spent == 50


async def test_each_day_has_its_own() -> None:
    now = [86_400.0 * 20_000 - 1]
    budget = MemoryBudget(clock=lambda: now[0])
    assert await budget.spend(keys(2), 1) == ([True, False], True)
    now[0] += 1
    assert (await budget.state()).opened_at is None
    assert await budget.spend(keys(2, start=1), 1) == ([True, False], True)


async def test_days_end_in_redis(redis_connection: RedisConnection) -> None:
    budget = RedisBudget(redis_connection)
    await budget.spend(keys(2), 1)
    client: Any = redis_connection.client
    names = sorted(key.decode() for key in await client.keys("assay:budget:*"))
    today = int(datetime.now(UTC).timestamp() // 86_400)
    assert names == [f"assay:budget:{today}", f"assay:budget:{today}:posts"]
    for name in names:
        assert 86_400 < await redis_connection.client.ttl(name) <= 2 * 86_400
        await redis_connection.client.rename(name, name.replace(str(today), str(today - 1)))  # midnight passes
    assert (await budget.state()).spent == 0
    assert await budget.spend(keys(2, start=1), 1) == ([True, False], True)


async def test_without_redis(own_redis: EmbeddedRedis, lost_connection: RedisConnection) -> None:
    budget = RedisBudget(lost_connection)
    own_redis.stop()
    acts: list[Callable[[], object]] = [lambda: budget.spend(keys(1), 5), budget.state, budget.close]
    for act in acts:
        with pytest.raises(RedisUnavailable):
            await act()  # type: ignore[misc]
