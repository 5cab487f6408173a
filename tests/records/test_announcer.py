"""What every `Announcer` keeps to."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from service.errors import RedisUnavailable
from service.records.ports import Announcer
from service.records.redis_announcer import RedisAnnouncer
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection


async def elapsed(announcer: Announcer, timeout: float) -> float:  # noqa: ASYNC109
    begun = time.perf_counter()
    await announcer.wait(timeout)
    return time.perf_counter() - begun


@pytest.fixture
async def lost_announcer(lost_connection: RedisConnection) -> AsyncIterator[RedisAnnouncer]:
    announcer = RedisAnnouncer(lost_connection, reconnect=0.1)
    yield announcer
    await announcer.close()


class TestAnnouncer:
    async def test_an_announcement_wakes_all_that_wait(self, announcer: Announcer) -> None:
        await announcer.wait(0.1)  # the first wait subscribes
        waits = [asyncio.ensure_future(elapsed(announcer, 5)) for _ in range(3)]
        await asyncio.sleep(0.1)
        await announcer.announce()
        assert max(await asyncio.gather(*waits)) < 1

    async def test_without_an_announcement_the_wait_times_out(self, announcer: Announcer) -> None:
        await announcer.wait(0.1)
        assert 0.15 < await elapsed(announcer, 0.2) < 1

    async def test_an_earlier_announcement_is_not_waited_for(self, announcer: Announcer) -> None:
        await announcer.wait(0.1)
        await announcer.announce()
        await asyncio.sleep(0.1)
        assert await elapsed(announcer, 0.2) > 0.15


class TestRedisAnnouncer:
    async def test_other_processes_hear_it(self, redis_url: str, redis_connection: RedisConnection) -> None:
        connection = RedisConnection(redis_url)
        here, there = RedisAnnouncer(redis_connection), RedisAnnouncer(connection)
        await there.wait(0.1)
        wait = asyncio.ensure_future(elapsed(there, 5))
        await asyncio.sleep(0.05)
        await here.announce()
        assert await wait < 1
        await there.close()
        await connection.close()

    async def test_waits_time_out_while_redis_is_away_and_wake_when_it_is_back(
        self, own_redis: EmbeddedRedis, lost_announcer: RedisAnnouncer
    ) -> None:
        await lost_announcer.wait(0.1)
        own_redis.stop()
        await asyncio.sleep(0.1)
        with pytest.raises(RedisUnavailable):
            await lost_announcer.announce()
        assert 0.15 < await elapsed(lost_announcer, 0.2) < 1
        wait = asyncio.ensure_future(elapsed(lost_announcer, 10))
        own_redis.start()
        assert await wait < 2
        again = asyncio.ensure_future(elapsed(lost_announcer, 10))
        await asyncio.sleep(0.1)
        await lost_announcer.announce()
        assert await again < 1
