"""What every `Attempts` keeps to."""

import pytest

from service.domain.post import PostKey
from service.errors import RedisUnavailable
from service.moderation.ports import Attempts
from service.moderation.redis.attempts import RedisAttempts
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.waiting import until

FIRST, EDITED, OTHER = PostKey("posts/1", "a"), PostKey("posts/1", "b"), PostKey("posts/2", "a")


class TestAttempts:
    async def test_nothing_was_begun_at_first(self, attempts: Attempts) -> None:
        assert await attempts.counts([FIRST, EDITED]) == [0, 0]
        assert await attempts.counts([]) == []

    async def test_each_version_of_each_post_counts_for_itself(self, attempts: Attempts) -> None:
        await attempts.begin([FIRST, OTHER])
        await attempts.begin([FIRST])
        assert await attempts.counts([OTHER, EDITED, FIRST]) == [1, 0, 2]

    async def test_what_is_finished_is_forgotten(self, attempts: Attempts) -> None:
        await attempts.begin([FIRST, EDITED, OTHER])
        await attempts.finish([FIRST, OTHER])
        assert await attempts.counts([FIRST, EDITED, OTHER]) == [0, 1, 0]

    async def test_finishing_what_was_not_begun_does_nothing(self, attempts: Attempts) -> None:
        await attempts.finish([FIRST])
        await attempts.begin([])
        await attempts.finish([])
        assert await attempts.counts([FIRST]) == [0]


class TestRedisAttempts:
    async def test_a_count_is_forgotten_in_the_end(self, redis_connection: RedisConnection) -> None:
        attempts = RedisAttempts(redis_connection, ttl=0.1)
        await attempts.begin([FIRST])
        assert await attempts.counts([FIRST]) == [1]

        async def forgotten() -> bool:
            return await attempts.counts([FIRST]) == [0]

        await until(forgotten)

    async def test_counts_outlive_a_restart_of_redis(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        attempts = RedisAttempts(lost_connection)
        await attempts.begin([FIRST])
        own_redis.stop()
        with pytest.raises(RedisUnavailable):
            await attempts.counts([FIRST])
        own_redis.start()
        assert await attempts.counts([FIRST]) == [1]
