"""The adapters of `Announcer`."""

from collections.abc import AsyncIterator

import pytest

from service.records.ports import Announcer
from service.records.redis_announcer import RedisAnnouncer
from service.storage.redis_connection import RedisConnection
from tests.fakes.queue_and_cache import (
    MemoryAnnouncer,
)


@pytest.fixture(params=["memory", "redis"])
async def announcer(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> AsyncIterator[Announcer]:
    """Each `Announcer`."""
    if request.param == "memory":
        yield MemoryAnnouncer()
        return
    redis = RedisAnnouncer(redis_connection)
    yield redis
    await redis.close()
