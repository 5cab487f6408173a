"""Twins of the Redis adapters in the memory of one process: for tests, and for judging without a server.

Nothing here survives the process, and nothing is ever unavailable.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from service.claims.traffic import EARLIER, LATELY, SurgeLimits, Traffic
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.moderation.local_cache import LocalCache
from service.moderation.ports import CacheHit
from service.moderation.transport import Batch, Lane, Reply, WorkerInfo


class EmptyCache:
    """A `VerdictCache` that holds nothing."""

    async def find(self, posts: Sequence[Post], *, judged_by: JudgedBy, policy_version: str) -> list[CacheHit]:
        """No hit for any post."""
        del judged_by, policy_version
        return [CacheHit() for _ in posts]

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        """Forgets them."""

    async def keep(self, judgements: Sequence[Judgement]) -> None:
        """Forgets them."""

    async def ping(self) -> None:
        """Always answers."""


class MemoryCache(LocalCache):
    """A `VerdictCache` of `size` entries that live `ttl` seconds: the local cache with nothing behind it."""

    def __init__(self, *, size: int = 100_000, ttl: float = 86_400.0) -> None:
        super().__init__(EmptyCache(), size=size, ttl=ttl)


class MemoryQueue:
    """A `Queue`; `take` is the worker's end of it."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Batch]] = {lane: deque() for lane in Lane}
        self._sent = asyncio.Semaphore(0)
        self._replies: defaultdict[str, asyncio.Queue[Reply]] = defaultdict(asyncio.Queue)

    async def send(self, lane: Lane, batch: Batch) -> None:
        """See `Queue`."""
        self._lanes[lane].append(batch)
        self._sent.release()

    async def take(self) -> Batch:
        """The next batch, as a worker gets it: live before bulk before replay, oldest first. Waits for one."""
        await self._sent.acquire()
        return next(batches for batches in self._lanes.values() if batches).popleft()

    async def reply(self, to: str, reply: Reply) -> None:
        """See `Queue`."""
        self._replies[to].put_nowait(reply)

    async def replies(self, front: str) -> AsyncIterator[Reply]:
        """See `Queue`."""
        while True:
            yield await self._replies[front].get()

    async def depths(self) -> Mapping[Lane, int]:
        """See `Queue`."""
        return {lane: len(batches) for lane, batches in self._lanes.items()}


class MemoryRegistry:
    """A `WorkerRegistry`: a worker counts as alive for `lifetime` seconds after its last beat."""

    def __init__(self, *, lifetime: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime, self._clock = lifetime, clock
        self._workers: dict[str, tuple[float, WorkerInfo]] = {}

    async def beat(self, worker: WorkerInfo) -> None:
        """See `WorkerRegistry`."""
        self._workers[worker.id] = (self._clock() + self._lifetime, worker)

    async def alive(self) -> list[WorkerInfo]:
        """See `WorkerRegistry`."""
        now = self._clock()
        workers = [worker for until, worker in self._workers.values() if until > now]
        return sorted(workers, key=lambda worker: worker.started_at, reverse=True)


class MemoryAttempts:
    """An `Attempts`."""

    def __init__(self) -> None:
        self._counts: Counter[PostKey] = Counter()

    async def counts(self, keys: Sequence[PostKey]) -> list[int]:
        """See `Attempts`."""
        return [self._counts[key] for key in keys]

    async def begin(self, keys: Sequence[PostKey]) -> None:
        """See `Attempts`."""
        self._counts.update(keys)

    async def finish(self, keys: Sequence[PostKey]) -> None:
        """See `Attempts`."""
        for key in keys:
            self._counts.pop(key, None)


class MemoryClaimTraffic:
    """A `ClaimTraffic` in windows of `window` seconds."""

    def __init__(self, *, window: float, limits: SurgeLimits, clock: Callable[[], float] = time.time) -> None:
        self._window, self._limits, self._clock = window, limits, clock
        self._counts: defaultdict[int, Counter[str]] = defaultdict(Counter)  # by window; "" counts posts
        self._marked: dict[str, float] = {}

    async def surging(self, repeated: Mapping[str, int], posts: int) -> list[str]:
        """See `ClaimTraffic`."""
        present = int(self._clock() / self._window)
        self._counts[present].update({**repeated, "": posts})
        for number in [number for number in self._counts if number <= present - LATELY - EARLIER]:
            del self._counts[number]
        return [claim for claim in repeated if self._surges(claim, present) and self._first(claim)]

    def _surges(self, claim: str, present: int) -> bool:
        lately, earlier = Counter[str](), Counter[str]()
        for number, counts in self._counts.items():
            (lately if number > present - LATELY else earlier).update(counts)
        return self._limits.surges(Traffic(lately[""], lately[claim], earlier[""], earlier[claim]))

    def _first(self, claim: str) -> bool:
        """Whether the surge is new; marks it for as long as it takes to become usual."""
        now = self._clock()
        known = self._marked.get(claim, 0.0) > now
        self._marked[claim] = now + EARLIER * self._window
        return not known


class MemoryAnnouncer:
    """An `Announcer`."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    async def announce(self) -> None:
        """See `Announcer`."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """See `Announcer`."""
        try:
            async with asyncio.timeout(seconds):
                await self._next.wait()
        except TimeoutError:
            return
