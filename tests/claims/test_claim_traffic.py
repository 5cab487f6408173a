"""What every `ClaimTraffic` keeps to: it counts over windows and tells of a surge once."""

import asyncio
from collections.abc import Callable

import pytest

from service.claims.ports import ClaimTraffic
from service.claims.redis_traffic import RedisClaimTraffic
from service.claims.traffic import SurgeLimits
from service.errors import RedisUnavailable
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection

MakeTraffic = Callable[..., ClaimTraffic]
LIMITS = SurgeLimits(posts=20, share=0.1)


class TestClaimTraffic:
    async def test_a_claim_that_takes_a_large_share_surges_and_the_others_do_not(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(600.0, LIMITS)
        assert await traffic.surging({"moon": 15, "flat": 2}, 60) == []
        assert await traffic.surging({"flat": 1, "moon": 15}, 60) == ["moon"]

    async def test_a_surge_is_told_of_once(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(600.0, LIMITS)
        told = [await traffic.surging({"moon": 30}, 60) for _ in range(5)]
        assert told == [["moon"], [], [], [], []]
        assert await traffic.surging({"flat": 100}, 100) == ["flat"]

    async def test_few_repeats_and_a_small_share_are_no_surge(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(600.0, LIMITS)
        assert await traffic.surging({"rare": 19}, 19) == []
        assert await traffic.surging({"common": 99}, 1000) == []
        assert await traffic.surging({}, 50) == []

    async def test_posts_without_any_claim_count(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(600.0, LIMITS)
        await traffic.surging({}, 1000)
        assert await traffic.surging({"moon": 40}, 40) == []

    async def test_what_a_claim_always_had_is_no_surge_and_far_more_is(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(0.5, SurgeLimits(posts=100, share=0.1))
        usual = [await traffic.surging({"usual": 99, "quiet": 1}, 1000) for _ in range(2)]
        await asyncio.sleep(1.1)
        usual += [await traffic.surging({"usual": 120, "quiet": 1}, 600)]
        assert usual == [[], [], []]
        assert await traffic.surging({"usual": 20, "quiet": 120}, 200) == ["quiet"]

    async def test_what_is_long_past_does_not_count(self, traffic_of: MakeTraffic) -> None:
        traffic = traffic_of(0.02, LIMITS)
        assert await traffic.surging({"moon": 30}, 60) == ["moon"]
        await asyncio.sleep(0.02 * 27)
        assert await traffic.surging({"moon": 19}, 19) == []
        assert await traffic.surging({"moon": 300}, 300) == ["moon"]  # another surge


class TestRedisClaimTraffic:
    async def test_all_processes_count_together_and_one_is_told(
        self, redis_url: str, redis_connection: RedisConnection
    ) -> None:
        connections = [redis_connection, RedisConnection(redis_url), RedisConnection(redis_url)]
        processes = [RedisClaimTraffic(connection, window=600, limits=LIMITS) for connection in connections]
        told = await asyncio.gather(*(each.surging({"moon": 3}, 6) for each in processes * 4))
        assert sorted(told) == [[]] * 11 + [["moon"]]
        for connection in connections[1:]:
            await connection.close()

    async def test_counts_expire(self, redis_connection: RedisConnection) -> None:
        traffic = RedisClaimTraffic(redis_connection, window=10, limits=LIMITS)
        await traffic.surging({"moon": 30}, 60)
        keys = await redis_connection.client.keys("assay:*")
        assert len(keys) == 2
        assert all([239 < await redis_connection.client.ttl(key) <= 260 for key in keys])

    async def test_thousands_of_claims_in_one_call(self, redis_connection: RedisConnection) -> None:
        traffic = RedisClaimTraffic(redis_connection, window=600, limits=LIMITS)
        repeated = {f"claim {number}": 1 for number in range(20_000)} | {"ünï 💡": 9_000}
        assert await traffic.surging(repeated, 30_000) == ["ünï 💡"]

    async def test_an_outage_is_named(self, own_redis: EmbeddedRedis, lost_connection: RedisConnection) -> None:
        own_redis.stop()
        with pytest.raises(RedisUnavailable):
            await RedisClaimTraffic(lost_connection, window=600, limits=LIMITS).surging({"moon": 1}, 1)
