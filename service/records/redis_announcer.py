"""Announcements by Redis pub/sub: one subscription per process, shared by all waiters."""

import asyncio
import contextlib

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.storage.redis_connection import RedisConnection

_log = structlog.get_logger(__name__)

_CHANNEL = "assay:recorded"


class RedisAnnouncer:
    """An `Announcer`. The first `wait` subscribes; when Redis is away, waits time out.

    Every new subscription wakes all waiters, since something may have been recorded while there was none: `wait` may
    return early, never late.
    """

    def __init__(self, connection: RedisConnection, *, reconnect: float = 0.5) -> None:
        self._connection = connection
        self._reconnect = reconnect
        self._waiting: set[asyncio.Future[None]] = set()
        self._listener: asyncio.Task[None] | None = None

    async def announce(self) -> None:
        """See `Announcer`."""
        with self._connection.breaker:
            await self._connection.client.publish(_CHANNEL, b"")

    async def wait(self, seconds: float) -> None:
        """See `Announcer`."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen(), name="announcer")
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            await asyncio.wait((woken,), timeout=seconds)
        finally:
            self._waiting.discard(woken)

    async def close(self) -> None:
        """End the subscription."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        client = self._connection.blocking(timeout=None)
        try:
            while True:
                try:
                    await self._hear(client)
                except (RedisError, OSError) as error:
                    _log.warning("announcements_interrupted", error=str(error))
                await asyncio.sleep(self._reconnect)
        finally:
            await client.aclose()

    async def _hear(self, client: Redis) -> None:
        """Wakes at the subscription's confirmation and at every message, until the connection breaks."""
        async with client.pubsub() as subscription:
            await subscription.subscribe(_CHANNEL)
            async for _ in subscription.listen():
                self._wake()

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
