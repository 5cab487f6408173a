"""Followers hand over every recorded verdict, whatever breaks on the way."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.domain.decision import Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import StoreUnavailable
from service.records.followers import Follower, SharedReading
from tests.factories import post_of, verdict_of
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.fakes.store import MemoryStore


class Watching:
    """Keeps what troubles it is told of."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append(f"{where}: {error}")


@pytest.fixture
def memory_store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def posts() -> list[Post]:
    return [post_of(f"text {number}", id=str(number)) for number in range(450)]


def follower(store: MemoryStore, handle: Any, observer: Any = None, **options: Any) -> Follower:
    return Follower("test", store, MemoryAnnouncer(), handle, observer or Watching(), **options)


async def test_all_revisions_come_in_their_order_and_once(memory_store: MemoryStore, posts: list[Post]) -> None:
    recorded = await memory_store.record(posts, [verdict_of(post) for post in posts])
    ruling = Ruling(Decision.BLOCK, case="cases/1")
    revised = await memory_store.revise([replace(recorded[3], ruling=ruling, source=Source.MODERATOR)])
    seen: list[Verdict] = []

    async def handle(verdicts: Sequence[Verdict]) -> None:
        seen.extend(verdicts)

    following = follower(memory_store, handle)
    while await following.step():
        pass
    assert seen == [*recorded, *revised]
    assert not await follower(memory_store, handle).step()
    assert len(seen) == 451


async def test_one_that_begins_now_sees_only_what_follows(memory_store: MemoryStore, posts: list[Post]) -> None:
    await memory_store.record(posts[:3], [verdict_of(post) for post in posts[:3]])
    seen: list[Verdict] = []

    async def handle(verdicts: Sequence[Verdict]) -> None:
        seen.extend(verdicts)

    following = follower(memory_store, handle, start_at="now")
    await following.step()
    fresh = await memory_store.record(posts[3:5], [verdict_of(post) for post in posts[3:5]])
    await following.step()
    assert seen == fresh


async def test_what_failed_comes_again_and_the_loop_goes_on(memory_store: MemoryStore, posts: list[Post]) -> None:
    recorded = await memory_store.record(posts[:2], [verdict_of(post) for post in posts[:2]])
    failures, seen, observer = [1], asyncio.Queue[list[Verdict]](), Watching()

    async def handle(verdicts: Sequence[Verdict]) -> None:
        if failures:
            failures.pop()
            raise StoreUnavailable("the record store does not answer")
        seen.put_nowait(list(verdicts))

    task = asyncio.create_task(follower(memory_store, handle, observer).run())
    try:
        assert await asyncio.wait_for(seen.get(), 5) == recorded
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert observer.failures == ["follower test: the record store does not answer"]


class Counting(MemoryStore):
    """Counts how often verdicts are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def after(self, *asked: Any) -> Any:
        self.reads += 1
        return await super().after(*asked)


async def test_followers_of_a_process_read_each_verdict_once(posts: list[Post]) -> None:
    store = Counting()
    recorded = await store.record(posts, [verdict_of(post) for post in posts])
    shared, seen = SharedReading(store), {name: list[Verdict]() for name in "abc"}

    async def all_of(name: str) -> None:
        async def handle(verdicts: Sequence[Verdict]) -> None:
            seen[name].extend(verdicts)

        following = Follower(name, shared, MemoryAnnouncer(), handle, Watching())
        while await following.step():
            pass

    await asyncio.gather(*map(all_of, seen))
    assert all(found == recorded for found in seen.values())
    assert store.reads == 3  # 200, 200 and 50 verdicts
    [revised] = await store.revise([replace(recorded[0], ruling=Ruling(Decision.BLOCK, case="cases/1"))])
    await asyncio.gather(*map(all_of, seen))
    assert all(found[-1] == revised for found in seen.values())


async def test_a_read_that_failed_or_found_nothing_is_asked_again(posts: list[Post]) -> None:
    class Failing(MemoryStore):
        failures = 1

        async def after(self, *asked: Any) -> Any:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("the record store does not answer")
            return await super().after(*asked)

    store = Failing()
    shared = SharedReading(store)
    with pytest.raises(StoreUnavailable):
        await shared.after(0, VerdictFilter(), 200)
    assert await shared.after(0, VerdictFilter(), 200) == ([], 0)
    recorded = await store.record(posts[:2], [verdict_of(post) for post in posts[:2]])
    assert await shared.after(0, VerdictFilter(), 200) == (recorded, 2)
