"""What `LocalCache` asks of the cache behind it, and when."""

from collections.abc import Sequence

import pytest

from service.domain.judgement import JudgedBy
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import RedisUnavailable
from service.moderation.local_cache import LocalCache
from service.moderation.ports import CacheHit
from tests.factories import post_of, verdict_of
from tests.fakes.clock import Clock
from tests.fakes.queue_and_cache import MemoryCache


class CountingCache(MemoryCache):
    """Remembers what it was asked for, and is away when told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.away = False

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        self._check()
        self.asked.append([post.id for post in posts])
        return await super().find(posts, judged_by=judged_by, policy_version=policy_version)

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        self._check()
        await super().put(verdicts)

    def _check(self) -> None:
        if self.away:
            raise RedisUnavailable("away")


async def find(cache: LocalCache, *posts: Post) -> list[bool]:
    """Whether each post's verdict was found."""
    hits = await cache.find(posts, judged_by=JudgedBy("m1", "c1"), policy_version="p1")
    return [hit.verdict is not None for hit in hits]


def posts_and_verdicts(count: int) -> tuple[list[Post], list[Verdict]]:
    posts = [post_of(f"text {n}", id=str(n)) for n in range(count)]
    return posts, [verdict_of(post) for post in posts]


async def test_only_what_is_not_held_is_asked_for_and_in_one_call() -> None:
    inner = CountingCache()
    cache = LocalCache(inner, size=10, ttl=30)
    posts, verdicts = posts_and_verdicts(4)
    await cache.put(verdicts[:1])
    await inner.put(verdicts[1:2])
    assert await find(cache, *posts) == [True, True, False, False]
    assert await find(cache, *posts) == [True, True, False, False]
    assert inner.asked == [["1", "2", "3"], ["2", "3"]]


async def test_the_least_recently_used_is_given_up() -> None:
    inner = CountingCache()
    cache = LocalCache(inner, size=2, ttl=30)
    posts, verdicts = posts_and_verdicts(3)
    await cache.put(verdicts[:2])
    await find(cache, posts[0])
    await cache.put(verdicts[2:])
    await find(cache, *posts)
    assert inner.asked == [["1"]]


async def test_entries_are_asked_for_again_when_their_time_is_over() -> None:
    inner, clock = CountingCache(), Clock(0.0)
    cache = LocalCache(inner, size=10, ttl=30, clock=clock)
    posts, verdicts = posts_and_verdicts(1)
    await cache.put(verdicts)
    clock.time = 29.0
    assert await find(cache, *posts) == [True]
    clock.time = 31.0
    assert await find(cache, *posts) == [True]
    assert inner.asked == [["0"]]


async def test_an_outage_is_felt_for_what_is_not_held_alone() -> None:
    inner = CountingCache()
    cache = LocalCache(inner, size=10, ttl=30)
    posts, verdicts = posts_and_verdicts(2)
    inner.away = True
    with pytest.raises(RedisUnavailable):
        await cache.put(verdicts[:1])
    assert await find(cache, posts[0]) == [True]
    with pytest.raises(RedisUnavailable):
        await find(cache, *posts)
