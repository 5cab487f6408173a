"""The workers that are alive, as registered in Redis. All times are Redis's own, so skewed clocks do not matter."""

import json
from dataclasses import asdict

from service.moderation.transport import WorkerInfo
from service.storage.redis_connection import RedisConnection

_UNTIL, _INFO = "assay:workers:until", "assay:workers:info"

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
_BEAT = f"""{_NOW}
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
"""
_ALIVE = f"""{_NOW}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
end
return redis.call('HVALS', KEYS[2])
"""


class RedisRegistry:
    """A `WorkerRegistry`: a worker counts as alive for `lifetime` seconds after its last beat."""

    def __init__(self, connection: RedisConnection, *, lifetime: float = 10.0) -> None:
        self._breaker = connection.breaker
        self._lifetime = round(lifetime * 1000)
        self._beat = connection.client.register_script(_BEAT)
        self._alive = connection.client.register_script(_ALIVE)

    async def beat(self, worker: WorkerInfo) -> None:
        """See `WorkerRegistry`."""
        with self._breaker:
            await self._beat(keys=[_UNTIL, _INFO], args=[self._lifetime, worker.id, json.dumps(asdict(worker))])

    async def alive(self) -> list[WorkerInfo]:
        """See `WorkerRegistry`."""
        with self._breaker:
            values = await self._alive(keys=[_UNTIL, _INFO])
        workers = [WorkerInfo(**json.loads(value)) for value in values]
        return sorted(workers, key=lambda worker: worker.started_at, reverse=True)
