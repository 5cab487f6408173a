"""One pool of connections to one Redis, and the one place where its failures become `RedisUnavailable`.

All adapters of a process share one `RedisConnection`, so that all learn at once that Redis is away.
"""

import time
from collections.abc import Callable
from types import TracebackType

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service.errors import RedisUnavailable

_NO_ANSWER = (RedisConnectionError, RedisTimeoutError, OSError)


class Breaker:
    """Context of a call to Redis: turns its errors into `RedisUnavailable`, and refuses at once while it is away.

    After `failures` calls in a row without an answer, calls are refused for `pause` seconds; then one is let through to
    try, and the others wait for its success. An error that Redis itself returns (out of memory, read only) refuses
    nothing: Redis may be able to serve the next call.
    """

    def __init__(self, *, failures: int = 3, pause: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._pause, self._clock = failures, pause, clock
        self._failures = 0
        self._retry_at = 0.0

    def __enter__(self) -> None:
        if self._failures < self._limit:
            return
        now = self._clock()
        if now < self._retry_at:
            raise RedisUnavailable("Redis did not answer lately; the next try is within a second")
        self._retry_at = now + self._pause

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._failures = 0
        elif isinstance(error, _NO_ANSWER):
            self._failures += 1
            self._retry_at = self._clock() + self._pause
            raise RedisUnavailable(f"Redis does not answer: {error}") from error
        elif isinstance(error, RedisError):
            self._failures = 0
            raise RedisUnavailable(f"Redis answered with an error: {error}") from error


class RedisConnection:
    """A pool of at most `connections` connections to the Redis at `url` (redis://, rediss:// or unix://).

    `timeout` bounds each answer and `connect_timeout` each connect, in seconds. Nothing is retried here: the callers
    have better fallbacks.
    """

    def __init__(self, url: str, *, timeout: float = 0.5, connect_timeout: float = 0.25, connections: int = 32) -> None:
        self.url, self.timeout, self.connect_timeout = url, timeout, connect_timeout
        self.client = self._client(timeout=timeout, connections=connections)
        self.breaker = Breaker()

    def blocking(self, *, timeout: float | None) -> Redis:
        """A client with one connection of its own, for commands that wait up to `timeout` seconds (None: for ever)."""
        return self._client(timeout=timeout, connections=1)

    async def ping(self) -> None:
        """Returns when Redis answers; raises `RedisUnavailable`."""
        with self.breaker:
            await self.client.ping()

    async def close(self) -> None:
        """Close the pool's connections."""
        await self.client.aclose()

    def _client(self, *, timeout: float | None, connections: int) -> Redis:
        pool = BlockingConnectionPool.from_url(
            self.url,
            max_connections=connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=self.connect_timeout,
            retry=Retry(NoBackoff(), 0),
        )
        return Redis.from_pool(pool)
