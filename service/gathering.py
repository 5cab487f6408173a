"""Gathers posts of many live calls into batches worth a forward pass, and keeps few of them in flight.

A batch leaves when a worker has room for it: at once when its token budget is full, after `window` seconds when the
workers idle. While all are busy, posts wait here, up to `max_waiting`, so that late posts fill the batch being built.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from service.domain import Batch, Post, PostKey, Reply, Verdict
from service.errors import AssayError, DeadlineExceeded, Overloaded

_BYTES_PER_TOKEN = (
    4  # a byte-pair vocabulary of 8,000 to 32,000 gives 3.5 to 4.5 on English; only the batch size hangs on it
)
_SMOOTHING = 0.2
Ship = Callable[[Batch], Awaitable[None]]


def tokens(post: Post) -> int:
    """Estimated tokens of text and context, at least 1."""
    return 1 + (len(post.text.encode()) + len(post.context.text.encode())) // _BYTES_PER_TOKEN


def batches(posts: list[Post], budget: int) -> list[tuple[Post, ...]]:
    """Split posts, in order, into runs of at most `budget` estimated tokens; one longer post is a run of its own."""
    runs: list[list[Post]] = []
    room = 0
    for post in posts:
        size = tokens(post)
        if size > room or not runs:
            runs.append([])
            room = budget
        runs[-1].append(post)
        room -= size
    return [tuple(run) for run in runs]


@dataclass(slots=True)
class _Waiting:
    post: Post
    deadline: float
    verdict: asyncio.Future[Verdict]


@dataclass(slots=True)
class _InFlight:
    waiting: dict[PostKey, _Waiting]
    sent_at: float
    expiry: asyncio.TimerHandle


class Gatherer:
    """One front's way to the workers for live calls. `room` says how many batches may be in flight just now."""

    def __init__(
        self, ship: Ship, *, front: str, budget: int, window: float, max_waiting: int, room: Callable[[], int]
    ) -> None:
        self._ship, self._front, self._budget, self._window = ship, front, budget, window
        self._max_waiting, self._room = max_waiting, room
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: dict[str, _InFlight] = {}
        self._shipping: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._pace = 0.1  # seconds from sending a batch to its reply, smoothed

    def __len__(self) -> int:
        """Posts that wait or are in flight."""
        return len(self._waiting) + sum(len(batch.waiting) for batch in self._in_flight.values())

    def put(self, post: Post, deadline: float) -> asyncio.Future[Verdict]:
        """Queue one post; the future brings its verdict. Raises `Overloaded` when too many wait.

        `deadline` is Unix time in seconds.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{len(self._waiting):,} posts wait for a worker, the most allowed", self._retry_after())
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(post, deadline, verdict))
        self._wake.set()
        return verdict

    async def run(self) -> None:
        """Send batches for ever; cancel to stop."""
        while True:
            await self._wake.wait()
            if not self._waiting or len(self._in_flight) >= max(1, self._room()):
                self._wake.clear()
                continue
            if not self._in_flight and not self._full():
                await asyncio.sleep(self._window)
            if run := self._take():
                task = asyncio.create_task(self._send(run))
                self._shipping.add(task)
                task.add_done_callback(self._shipping.discard)

    def answered(self, reply: Reply) -> None:
        """Hand a reply's verdicts to those who wait."""
        batch = self._end(reply.batch_id)
        if batch is None:
            return
        self._pace += _SMOOTHING * (time.monotonic() - batch.sent_at - self._pace)
        for verdict in reply.verdicts:
            if (waiting := batch.waiting.pop(verdict.post, None)) and not waiting.verdict.done():
                waiting.verdict.set_result(verdict)
        _fail(batch, DeadlineExceeded("the worker reached the post after its deadline"))

    def _retry_after(self) -> float:
        queued = sum(tokens(waiting.post) for waiting in self._waiting) / self._budget
        return max(0.05, self._pace * queued / max(1, self._room()))

    def _full(self) -> bool:
        total = 0
        for waiting in self._waiting:
            total += tokens(waiting.post)
            if total >= self._budget:
                return True
        return False

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        total = 0
        while self._waiting:
            size = tokens(self._waiting[0].post)
            if taken and total + size > self._budget:
                break
            waiting = self._waiting.popleft()
            if not waiting.verdict.done():
                taken.append(waiting)
                total += size
        return taken

    async def _send(self, run: list[_Waiting]) -> None:
        batch_id = uuid.uuid4().hex
        deadline = max(waiting.deadline for waiting in run)
        left = max(0.0, deadline - time.time())
        expiry = asyncio.get_running_loop().call_later(left, self._expire, batch_id)
        in_flight = _InFlight({waiting.post.key: waiting for waiting in run}, time.monotonic(), expiry)
        self._in_flight[batch_id] = in_flight
        posts = tuple(waiting.post for waiting in run)
        try:
            await self._ship(Batch(batch_id, posts, self._front, deadline, time.time()))
        except AssayError as error:
            self._end(batch_id)
            _fail(in_flight, error)

    def _expire(self, batch_id: str) -> None:
        if batch := self._end(batch_id):
            _fail(batch, DeadlineExceeded("no worker answered in time"))

    def _end(self, batch_id: str) -> _InFlight | None:
        batch = self._in_flight.pop(batch_id, None)
        if batch:
            batch.expiry.cancel()
            self._wake.set()
        return batch


def _fail(batch: _InFlight, error: AssayError) -> None:
    for waiting in batch.waiting.values():
        if not waiting.verdict.done():
            waiting.verdict.set_exception(error)
