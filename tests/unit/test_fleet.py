"""What a front knows of its workers."""

import asyncio
from typing import Any

import pytest

from service.adapters.memory import MemoryRegistry
from service.domain import WorkerInfo
from service.errors import RedisUnavailable
from service.fleet import Fleet

OLD, NEW = WorkerInfo("a", "model-1", 100.0), WorkerInfo("b", "model-2", 200.0)


def fleet_of(house: Any) -> Fleet:
    return Fleet(house.registry, house.observer, batches_per_worker=3)


async def test_the_model_version_is_that_of_the_worker_started_last(house: Any):
    fleet = fleet_of(house)
    assert fleet.model_version == ""
    for worker in (NEW, OLD):
        await house.registry.beat(worker)
    assert await fleet.refresh() == [NEW, OLD]
    assert fleet.model_version == "model-2"
    assert house.observer.fleets == [[NEW, OLD]]


async def test_there_is_room_for_some_batches_per_worker_and_for_as_many_without_any(house: Any):
    fleet = fleet_of(house)
    assert fleet.room() == 3
    for worker in (NEW, OLD):
        await house.registry.beat(worker)
    await fleet.refresh()
    assert fleet.room() == 6


async def test_the_model_version_outlives_the_last_worker(house: Any):
    now = 0.0
    house.registry.inner = MemoryRegistry(clock=lambda: now)
    fleet = fleet_of(house)
    await house.registry.beat(OLD)
    await fleet.refresh()
    now = 60.0
    assert await fleet.refresh() == []
    assert (fleet.model_version, fleet.room()) == ("model-1", 3)


async def test_while_redis_is_away_the_last_known_workers_stand(house: Any, until: Any):
    fleet = fleet_of(house)
    await house.registry.beat(OLD)
    await house.registry.beat(NEW)
    await fleet.refresh()
    house.redis_away()
    with pytest.raises(RedisUnavailable):
        await fleet.refresh()
    task = asyncio.create_task(fleet.run())
    await until(lambda: house.observer.troubles)
    assert not task.done()
    task.cancel()
    assert (fleet.model_version, fleet.room()) == ("model-2", 6)
