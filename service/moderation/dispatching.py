"""Sends accepted posts from the record store to the workers, and again if they got lost on the way.

SubmitPosts only writes to the store. This loop claims what is undecided and keeps the bulk queue short, so that Redis
holds little and the store remains the truth. A claim is a lease: when a worker, Redis or this process dies, the lease
ends and a pass over what is due sends the post again on the replay lane. Workers skip what is decided, so sending twice
is safe.
"""

import time
import uuid
from collections.abc import Collection

from service.domain.post import PostKey
from service.errors import Unavailable
from service.moderation.batching import batches
from service.moderation.ports import LoadObserver, Queue
from service.moderation.transport import Batch, Lane
from service.records.ports import PostStore
from service.supervision import Poke, every

_POSTS_PER_MESSAGE = 16
_TICK, _COUNT_EVERY = 0.25, 2.0


class Dispatcher:
    """One per front; any number may run at a time."""

    def __init__(
        self, store: PostStore, queue: Queue, observer: LoadObserver, *, budget: int, messages: int, lease: float
    ) -> None:
        self._store, self._queue, self._observer = store, queue, observer
        self._budget, self._messages, self._lease = budget, messages, lease
        self._stopping = False
        self.poke = Poke(_TICK)
        """Something was accepted: look now rather than at the next tick."""
        self._next_count = 0.0

    def stop(self) -> None:
        """Let `run` end once it has sent what it claimed: cancelled while claiming, it would leave leases behind."""
        self._stopping = True
        self.poke()

    async def run(self) -> None:
        """Dispatch until `stop`."""
        await self.poke.wait()
        await every(
            self.poke.wait, self._round, self._observer, "dispatch", pause=1.0, going_on=lambda: not self._stopping
        )

    async def _round(self) -> None:
        while not self._stopping and await self.dispatch(Lane.BULK):
            pass
        await self.dispatch(Lane.REPLAY)
        await self._tell_backlog()

    async def dispatch(self, lane: Lane) -> bool:
        """Fill the lane once, from fresh posts (bulk) or expired leases (replay). True when there may be more."""
        depths = await self._queue.depths()
        self._observer.queued(depths)
        room = self._messages - depths.get(lane, 0)
        if room <= 0:
            return False
        limit = room * _POSTS_PER_MESSAGE
        posts = await self._store.claim(limit, lease=self._lease, expired=lane is Lane.REPLAY)
        runs = batches(posts, self._budget)
        sent = 0
        try:
            for run in runs:
                await self._queue.send(lane, Batch(uuid.uuid4().hex, run, sent_at=time.time()))
                sent += 1
        finally:
            await self.release([post.key for run in runs[sent:] for post in run])
        return len(posts) == limit

    async def _tell_backlog(self) -> None:
        """Count the backlog now and then: with a long one, a count at every tick would load the store."""
        if time.monotonic() >= self._next_count:
            self._next_count = time.monotonic() + _COUNT_EVERY
            self._observer.backlog(*await self._store.backlog())

    async def release(self, keys: Collection[PostKey]) -> None:
        """Release what could not be sent, so that it is claimed again."""
        if not keys:
            return
        try:
            await self._store.release(keys)
        except Unavailable as error:  # their leases end by themselves
            self._observer.report_failure("release", error)
