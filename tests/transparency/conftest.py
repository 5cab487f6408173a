"""Stores with a person's traces in them."""

from collections.abc import AsyncIterator

import pytest

from service.storage.redis_connection import RedisConnection
from tests.fixtures.sql import OpenSql
from tests.transparency.person import World


@pytest.fixture
async def world(sql_url: str, open_sql: OpenSql, redis_connection: RedisConnection) -> AsyncIterator[World]:
    """A record store of each kind and a Redis, empty."""
    made = World(await open_sql(sql_url), redis_connection)
    yield made
    await made.queue.close()
