"""Records, in bulk and after the reply, verdicts that answered live calls from the cache.

It holds at most `capacity` of them; while the store is away the oldest are dropped and reported. What was
accepted by SubmitPosts or judged by a model does not pass through here: it is recorded before the answer.
"""

import asyncio
from collections import deque

from service.domain.post import Post
from service.domain.verdict import Verdict
from service.errors import Unavailable
from service.moderation.ports import AnswerStore, Observer, VerdictCache
from service.records.ports import Announcer
from service.supervision import every

_BULK = 500
_GATHER = 0.05
_LEASE = 60.0  # between accepting and recording: no one else is to judge them meanwhile


class WriteBehind:
    """One front's late recorder."""

    def __init__(
        self,
        store: AnswerStore,
        cache: VerdictCache,
        announcer: Announcer,
        observer: Observer,
        capacity: int = 100_000,
    ) -> None:
        self._store, self._cache, self._announcer, self._observer = store, cache, announcer, observer
        self._capacity = capacity
        self._waiting: deque[tuple[Post, Verdict]] = deque(maxlen=capacity)
        self._wake = asyncio.Event()

    def put(self, post: Post, verdict: Verdict) -> None:
        """Record this verdict soon."""
        if len(self._waiting) == self._capacity:
            self._drop(1)
        self._waiting.append((post, verdict))
        self._wake.set()

    async def run(self) -> None:
        """Record for ever; cancel to stop."""
        await every(self._work, self.flush, self._observer, "write_behind", pause=1.0)

    async def _work(self) -> None:
        """Returns a moment after something waits, so that more may join it."""
        await self._wake.wait()
        await asyncio.sleep(_GATHER)

    async def flush(self) -> None:
        """Record all that waits. Raises `StoreUnavailable` with nothing lost."""
        self._wake.clear()
        while self._waiting:
            pairs = [self._waiting.popleft() for _ in range(min(_BULK, len(self._waiting)))]
            await self._publish(await self._record(pairs))

    async def _record(self, pairs: list[tuple[Post, Verdict]]) -> list[Verdict]:
        posts, verdicts = [post for post, _ in pairs], [verdict for _, verdict in pairs]
        try:
            await self._store.accept(posts, lease=_LEASE)  # the last one is its name's current version
            recorded = await self._store.record(posts, verdicts)
        except (Unavailable, asyncio.CancelledError):  # it may have committed; recording twice is recording once
            self._put_back(pairs)
            raise
        return list(map(_answer, verdicts, recorded))

    def _put_back(self, pairs: list[tuple[Post, Verdict]]) -> None:
        excess = max(0, len(pairs) + len(self._waiting) - self._capacity)
        if excess:
            self._drop(excess)
        self._waiting.extendleft(reversed(pairs[excess:]))
        self._wake.set()

    def _drop(self, answers: int) -> None:
        self._observer.report_failure(
            "write_behind", Unavailable(f"the record store is behind: {answers:,} answers go unrecorded")
        )

    async def _publish(self, verdicts: list[Verdict]) -> None:
        try:
            await self._cache.put(verdicts)
            await self._announcer.announce()
        except Unavailable as error:
            self._observer.report_failure("write_behind", error)


def _answer(given: Verdict, stands: Verdict) -> Verdict:
    """What to cache: the recorded verdict or, where another policy decided that one, this policy's."""
    return stands if stands.policy_version == given.policy_version else given
