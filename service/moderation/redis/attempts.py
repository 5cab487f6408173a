"""How often a post was begun and not finished, counted in Redis: the count outlives the worker that a post kills."""

from collections.abc import Sequence

from service.domain.post import PostKey
from service.storage.redis_connection import RedisConnection

_DAY = 86_400.0

_BEGIN = """
for _, key in ipairs(KEYS) do
    redis.call('INCR', key)
    redis.call('PEXPIRE', key, ARGV[1])
end
"""


class RedisAttempts:
    """An `Attempts`. A count is forgotten `ttl` seconds after the last attempt."""

    def __init__(self, connection: RedisConnection, *, ttl: float = _DAY) -> None:
        self._client, self._breaker = connection.client, connection.breaker
        self._ttl = round(ttl * 1000)
        self._begin = self._client.register_script(_BEGIN)

    async def counts(self, keys: Sequence[PostKey]) -> list[int]:
        """See `Attempts`."""
        if not keys:
            return []
        with self._breaker:
            values = await self._client.mget([_key(key) for key in keys])
        return [int(value or 0) for value in values]

    async def begin(self, keys: Sequence[PostKey]) -> None:
        """See `Attempts`."""
        if keys:
            with self._breaker:
                await self._begin(keys=[_key(key) for key in keys], args=[self._ttl])

    async def finish(self, keys: Sequence[PostKey]) -> None:
        """See `Attempts`."""
        if keys:
            with self._breaker:
                await self._client.unlink(*(_key(key) for key in keys))


def _key(post: PostKey) -> str:
    return f"assay:a:{post.fingerprint}:{post.name}"
