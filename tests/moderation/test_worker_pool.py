"""What a front knows of its workers."""

import asyncio

import pytest

from service.domain.judgement import JudgedBy
from service.errors import RedisUnavailable
from service.moderation.transport import WorkerInfo
from service.moderation.worker_pool import WorkerPool
from tests.fakes.queue_and_cache import MemoryRegistry
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until

OLD, NEW = WorkerInfo("a", "model-1", 100.0, "claims-1"), WorkerInfo("b", "model-2", 200.0, "claims-2")


def pool_of(parts: PipelineParts) -> WorkerPool:
    return WorkerPool(parts.registry, parts.observer, batches_per_worker=3)


async def test_posts_are_judged_by_what_the_worker_started_last_holds(parts: PipelineParts) -> None:
    worker_pool = pool_of(parts)
    assert worker_pool.judged_by == JudgedBy()
    for worker in (NEW, OLD):
        await parts.registry.beat(worker)
    assert await worker_pool.refresh() == [NEW, OLD]
    assert worker_pool.judged_by == JudgedBy("model-2", "claims-2")
    assert parts.told.pools == [[NEW, OLD]]


async def test_there_is_room_for_some_batches_per_worker_and_for_as_many_without_any(parts: PipelineParts) -> None:
    worker_pool = pool_of(parts)
    assert worker_pool.room() == 3
    for worker in (NEW, OLD):
        await parts.registry.beat(worker)
    await worker_pool.refresh()
    assert worker_pool.room() == 6


async def test_what_posts_are_judged_by_outlives_the_last_worker(parts: PipelineParts) -> None:
    now = 0.0
    parts.registry.inner = MemoryRegistry(clock=lambda: now)
    worker_pool = pool_of(parts)
    await parts.registry.beat(OLD)
    await worker_pool.refresh()
    now = 60.0
    assert await worker_pool.refresh() == []
    assert (worker_pool.judged_by, worker_pool.room()) == (OLD.judged_by, 3)


async def test_while_redis_is_away_the_last_known_workers_stand(parts: PipelineParts) -> None:
    worker_pool = pool_of(parts)
    await parts.registry.beat(OLD)
    await parts.registry.beat(NEW)
    await worker_pool.refresh()
    parts.redis_away()
    with pytest.raises(RedisUnavailable):
        await worker_pool.refresh()
    task = asyncio.create_task(worker_pool.run())
    await until(lambda: parts.told.failures)
    assert not task.done()
    task.cancel()
    assert (worker_pool.judged_by, worker_pool.room()) == (NEW.judged_by, 6)


async def test_an_answer_teaches_what_posts_are_judged_by_until_a_beat_was_seen(parts: PipelineParts) -> None:
    worker_pool = pool_of(parts)
    worker_pool.learn(OLD.judged_by)
    assert worker_pool.judged_by == OLD.judged_by
    worker_pool.learn(NEW.judged_by)
    assert worker_pool.judged_by == OLD.judged_by
    await parts.registry.beat(NEW)
    await worker_pool.refresh()
    assert worker_pool.judged_by == NEW.judged_by
