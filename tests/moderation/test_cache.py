"""What every `VerdictCache` keeps to, and what the one in Redis does when Redis is away."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from service.domain.judgement import JudgedBy
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import RedisUnavailable
from service.moderation.ports import CacheHit, VerdictCache
from service.moderation.redis.cache import RedisCache
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection
from tests.factories import post_of, verdict_of
from tests.waiting import until


async def find(
    cache: VerdictCache, *posts: Post, model: str = "m1", claims: str = "c1", policy: str = "p1"
) -> list[CacheHit]:
    return await cache.find(posts, judged_by=JudgedBy(model, claims), policy_version=policy)


async def once_it_answers(cache: VerdictCache) -> list[CacheHit]:
    """What it has on `post_of()`, as soon as Redis is asked again."""

    async def answer() -> list[CacheHit]:
        with suppress(RedisUnavailable):
            return await find(cache, post_of())
        return []

    return await until(answer)


class TestVerdictCache:
    async def test_an_empty_cache_holds_nothing(self, cache: VerdictCache) -> None:
        assert await find(cache, post_of()) == [CacheHit()]
        assert await find(cache) == []

    async def test_what_was_put_is_found_whole(self, cache: VerdictCache) -> None:
        verdict = verdict_of(post_of())
        await cache.put([verdict])
        assert await find(cache, post_of()) == [CacheHit(verdict, verdict.judgement)]

    async def test_hits_and_misses_come_in_the_order_of_the_posts(self, cache: VerdictCache) -> None:
        posts = [post_of(f"text {n}", id=str(n)) for n in range(6)]
        verdicts = [verdict_of(post) for post in posts]
        await cache.put(verdicts[::2])
        asked = [5, 4, 0, 4, 1, 2]
        expected = [CacheHit(verdicts[n], verdicts[n].judgement) if n % 2 == 0 else CacheHit() for n in asked]
        assert await find(cache, *(posts[n] for n in asked)) == expected

    async def test_a_judgement_is_shared_by_all_posts_with_its_text(self, cache: VerdictCache) -> None:
        verdict = verdict_of(post_of())
        await cache.put([verdict])
        assert await find(cache, post_of(id="copy")) == [CacheHit(None, verdict.judgement)]

    async def test_a_verdict_of_another_version_of_the_post_is_no_hit(self, cache: VerdictCache) -> None:
        verdict = verdict_of(post_of(region="DE"))
        await cache.put([verdict])
        assert await find(cache, post_of(region="FR")) == [CacheHit(None, verdict.judgement)]
        assert await find(cache, post_of("edited")) == [CacheHit()]

    async def test_another_policy_finds_the_judgement_alone(self, cache: VerdictCache) -> None:
        verdict = verdict_of(post_of())
        await cache.put([verdict])
        assert await find(cache, post_of(), policy="p2") == [CacheHit(None, verdict.judgement)]

    async def test_another_model_finds_nothing(self, cache: VerdictCache) -> None:
        await cache.put([verdict_of(post_of())])
        assert await find(cache, post_of(), model="m2") == [CacheHit()]

    async def test_judgements_by_another_claim_set_are_kept_apart(self, cache: VerdictCache) -> None:
        before, after = verdict_of(post_of()), verdict_of(post_of(), claims_version="c2")
        await cache.put([before])
        assert await find(cache, post_of(), claims="c2") == [CacheHit()]
        await cache.keep([judgement for judgement in [after.judgement] if judgement])
        assert await find(cache, post_of(), claims="c2") == [CacheHit(None, after.judgement)]
        assert await find(cache, post_of()) == [CacheHit(before, before.judgement)]
        assert await find(cache, post_of(), claims="") == [CacheHit()]

    async def test_a_verdict_by_the_model_before_is_no_hit_beside_a_newer_judgement(self, cache: VerdictCache) -> None:
        newer = verdict_of(post_of(id="copy"), model_version="m2")
        await cache.put([verdict_of(post_of()), newer])
        assert await find(cache, post_of(), model="m2") == [CacheHit(None, newer.judgement)]

    async def test_the_later_put_stands(self, cache: VerdictCache) -> None:
        later = verdict_of(post_of(), sequence=8)
        await cache.put([verdict_of(post_of()), later])
        assert (await find(cache, post_of()))[0].verdict == later

    async def test_a_verdict_without_judgement_is_not_kept(self, cache: VerdictCache) -> None:
        full = verdict_of(post_of())
        bare = Verdict(
            post=full.post,
            content_digest=full.content_digest,
            surface=full.surface,
            ruling=full.ruling,
            policy_version=full.policy_version,
            source=full.source,
            decided_at=full.decided_at,
        )
        await cache.put([bare])
        await cache.put([])
        assert await find(cache, post_of()) == [CacheHit()]

    async def test_a_judgement_can_be_kept_of_which_nobody_decided(self, cache: VerdictCache) -> None:
        judgement = verdict_of(post_of()).judgement
        assert judgement
        await cache.keep([judgement])
        await cache.keep([])
        assert await find(cache, post_of(), post_of(id="copy")) == [CacheHit(None, judgement)] * 2
        assert await find(cache, post_of(), model="m2") == [CacheHit()]

    async def test_entries_expire(self, cache_of: Callable[[float], VerdictCache]) -> None:
        cache = cache_of(0.1)
        await cache.put([verdict_of(post_of())])

        async def expired() -> bool:
            return await find(cache, post_of()) == [CacheHit()]

        await until(expired)

    async def test_it_answers(self, cache: VerdictCache) -> None:
        await cache.ping()


class TestRedisCache:
    async def test_lifetimes_are_spread(self, redis_connection: RedisConnection) -> None:
        cache = RedisCache(redis_connection, ttl=1000, jitter=0.1)
        await cache.put([verdict_of(post_of(f"text {n}", id=str(n))) for n in range(50)])
        keys = await redis_connection.client.keys("assay:*")
        lifetimes = [await redis_connection.client.pttl(key) / 1000 for key in keys]
        assert len(keys) == 100
        assert 899 < min(lifetimes) < 930
        assert 1070 < max(lifetimes) <= 1100

    @pytest.mark.parametrize("value", [b"\xff", b"[]", b"{}", b"null", b"7", b'{"signals": [1]}'])
    async def test_a_value_that_cannot_be_read_is_a_miss_logged_once(
        self, redis_connection: RedisConnection, value: bytes
    ) -> None:
        post, cache = post_of(), RedisCache(redis_connection, ttl=60)
        await redis_connection.client.set(f"assay:j:m1:c1:{post.content_digest}", value)
        with capture_logs() as logs:
            assert await find(cache, post, post) == [CacheHit(), CacheHit()]
        assert [log["event"] for log in logs] == ["cache_value_unreadable"]
        await cache.put([verdict_of(post)])
        assert (await find(cache, post))[0].verdict == verdict_of(post)

    async def test_an_unknown_decision_leaves_the_judgement(self, redis_connection: RedisConnection) -> None:
        post, cache = post_of(), RedisCache(redis_connection, ttl=60)
        await cache.put([verdict_of(post)])
        key = f"assay:v:p1:{post.name}"
        value = json.loads(await redis_connection.client.get(key) or b"")
        await redis_connection.client.set(key, json.dumps({**value, "decision": "FORGIVE"}))
        assert await find(cache, post) == [CacheHit(None, verdict_of(post).judgement)]

    async def test_an_outage_costs_little_and_ends_by_itself(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        cache, verdict = RedisCache(lost_connection, ttl=60), verdict_of(post_of())
        await cache.put([verdict])
        own_redis.stop()
        for _ in range(3):
            with pytest.raises(RedisUnavailable):
                await find(cache, post_of())
        begun = time.perf_counter()
        for call in (find(cache, post_of()), cache.put([verdict])):
            with pytest.raises(RedisUnavailable):
                await call
        with pytest.raises(RedisUnavailable):
            await cache.ping()
        assert time.perf_counter() - begun < 0.05
        own_redis.start()
        assert await once_it_answers(cache) == [CacheHit(verdict, verdict.judgement)]  # the append-only file had it
        await cache.put([verdict])  # the script is not there any more, and is sent again

    async def test_a_redis_that_hangs_costs_three_timeouts(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        cache = RedisCache(lost_connection, ttl=60)
        process: int = (await lost_connection.client.info("server"))["process_id"]
        os.kill(process, signal.SIGSTOP)
        begun = time.perf_counter()
        for _ in range(20):
            with pytest.raises(RedisUnavailable):
                await find(cache, post_of())
        os.kill(process, signal.SIGCONT)
        assert time.perf_counter() - begun < 2
        assert await once_it_answers(cache) == [CacheHit()]

    async def test_a_full_redis_is_unavailable_for_what_it_refuses_only(
        self, own_redis: EmbeddedRedis, lost_connection: RedisConnection
    ) -> None:
        cache, verdict = RedisCache(lost_connection, ttl=60), verdict_of(post_of())
        await cache.put([verdict])
        await lost_connection.client.config_set("maxmemory", "1")
        for _ in range(5):
            with pytest.raises(RedisUnavailable, match="error"):
                await cache.put([verdict])
        assert (await find(cache, post_of()))[0].verdict == verdict
