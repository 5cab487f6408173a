"""What every `WorkerRegistry` keeps to."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.judgement import JudgedBy
from service.errors import RedisUnavailable
from service.moderation.ports import WorkerRegistry
from service.moderation.redis.registry import RedisRegistry
from service.moderation.transport import WorkerInfo
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.waiting import until

MakeRegistry = Callable[[float], WorkerRegistry]

OLD = WorkerInfo("host:1", "m1", 1000.5)
NEW = WorkerInfo("host:2", "m2", 2000.25, "c2")


class TestWorkerRegistry:
    async def test_nobody_is_alive_at_first(self, registry_of: MakeRegistry) -> None:
        assert await registry_of(10.0).alive() == []

    async def test_workers_that_beat_are_alive_the_latest_started_first(self, registry_of: MakeRegistry) -> None:
        registry = registry_of(10.0)
        for worker in (OLD, NEW, OLD):
            await registry.beat(worker)
        assert await registry.alive() == [NEW, OLD]

    async def test_a_worker_that_started_again_is_there_once(self, registry_of: MakeRegistry) -> None:
        registry = registry_of(10.0)
        again = WorkerInfo(OLD.id, "m2", 3000.0)
        await registry.beat(OLD)
        await registry.beat(again)
        assert await registry.alive() == [again]

    async def test_a_worker_with_a_new_claim_set_says_so_at_its_next_beat(self, registry_of: MakeRegistry) -> None:
        registry = registry_of(10.0)
        await registry.beat(NEW)
        await registry.beat(replace(NEW, claims_version="c3"))
        [worker] = await registry.alive()
        assert worker.judged_by == JudgedBy("m2", "c3")

    async def test_a_worker_that_stops_beating_is_gone(self, registry_of: MakeRegistry) -> None:
        registry = registry_of(0.3)
        await registry.beat(OLD)

        async def only_one_beats() -> bool:
            await registry.beat(NEW)
            return await registry.alive() == [NEW]

        await until(only_one_beats, pause=0.05)
        await registry.beat(OLD)
        assert await registry.alive() == [NEW, OLD]


class TestRedisRegistry:
    async def test_all_processes_see_the_same_workers(self, redis_url: str, redis_connection: RedisConnection) -> None:
        await RedisRegistry(redis_connection).beat(OLD)
        other = RedisConnection(redis_url)
        assert await RedisRegistry(other).alive() == [OLD]
        await other.close()

    async def test_an_outage_is_named(self, own_redis: EmbeddedRedis, lost_connection: RedisConnection) -> None:
        own_redis.stop()
        registry = RedisRegistry(lost_connection)
        with pytest.raises(RedisUnavailable):
            await registry.beat(OLD)
        with pytest.raises(RedisUnavailable):
            await registry.alive()
