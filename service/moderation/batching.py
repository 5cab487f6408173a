"""Micro-batches posts of many live calls into batches worth a forward pass, and keeps few of them in flight.

A batch leaves when a worker has room for it: at once when its token budget is full, after `window` seconds when the
workers idle. While all are busy, posts wait here, up to `max_waiting`, so that late posts fill the batch being built.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from service.domain.post import Post, PostKey
from service.domain.verdict import Verdict
from service.errors import AssayError, DeadlineExceeded, Overloaded, Unavailable
from service.moderation.transport import Batch, Reply

# A byte-pair vocabulary of 8,000 to 32,000 yields 3.5 to 4.5 on English; only the batch size depends on it.
_BYTES_PER_TOKEN = 4
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


@dataclass(slots=True, eq=False)
class Waiting:
    """A post under way. `verdict` brings the answer; a caller that joins may extend `deadline` (Unix seconds).

    `recorded` as in `Batch`.
    """

    post: Post
    tokens: int
    deadline: float
    verdict: asyncio.Future[Verdict]
    recorded: bool = True


@dataclass(slots=True)
class _InFlight:
    waiting: dict[PostKey, Waiting]
    sent_at: float
    expiry: asyncio.TimerHandle


class MicroBatcher:
    """One front's way to the workers for live calls. `room` says how many batches may be in flight just now.

    A batch without an answer counts as lost after `patience` seconds, whatever its deadline.
    """

    def __init__(
        self,
        ship: Ship,
        *,
        front: str,
        budget: int,
        window: float,
        max_waiting: int,
        patience: float,
        room: Callable[[], int],
    ) -> None:
        self._ship, self._front, self._budget, self._window = ship, front, budget, window
        self._max_waiting, self._patience, self._room = max_waiting, patience, room
        self._waiting: deque[Waiting] = deque()
        self._tokens = 0  # of all waiting
        self._in_flight: dict[str, _InFlight] = {}
        self._shipping: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._pace = 0.1  # seconds from sending a batch to its reply, smoothed

    def __len__(self) -> int:
        """Posts that wait or are in flight."""
        return len(self._waiting) + sum(len(batch.waiting) for batch in self._in_flight.values())

    def put(self, post: Post, deadline: float, *, recorded: bool = True) -> Waiting:
        """Queue one post. Raises `Overloaded` when too many wait. `deadline` is Unix time in seconds."""
        self._drop_late()
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{len(self._waiting):,} posts wait for a worker, the most allowed", self._retry_after())
        waiting = Waiting(post, tokens(post), deadline, asyncio.get_running_loop().create_future(), recorded)
        self._waiting.append(waiting)
        self._tokens += waiting.tokens
        self._wake.set()
        return waiting

    async def run(self) -> None:
        """Send batches for ever; cancel to stop."""
        while True:
            await self._wake.wait()
            if not self._waiting or len(self._in_flight) >= max(1, self._room()):
                self._wake.clear()
                continue
            if not self._in_flight and self._tokens < self._budget:
                await asyncio.sleep(self._window)
            if run := self._take():
                self._begin(run)

    def answered(self, reply: Reply) -> None:
        """Pass a reply's verdicts to their waiters."""
        batch = self._end(reply.batch_id)
        if batch is None:
            return
        self._pace += _SMOOTHING * (time.monotonic() - batch.sent_at - self._pace)
        for verdict in reply.verdicts:
            if (waiting := batch.waiting.pop(verdict.post, None)) and not waiting.verdict.done():
                waiting.verdict.set_result(verdict)
        _fail(batch.waiting.values(), DeadlineExceeded("the worker reached the post after its deadline"))

    async def close(self) -> None:
        """Fail what waits and what is in flight with `Unavailable`."""
        for task in self._shipping:
            task.cancel()
        await asyncio.gather(*self._shipping, return_exceptions=True)
        error = Unavailable("this server is stopping; send the post again")
        for batch_id in list(self._in_flight):
            self._fail(batch_id, error)
        _fail(self._waiting, error)
        self._waiting.clear()
        self._tokens = 0

    def _retry_after(self) -> float:
        return max(0.05, self._pace * self._tokens / self._budget / max(1, self._room()))

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        left = self._budget
        self._drop_late()
        while self._waiting and (not taken or (self._waiting[0].tokens <= left and self._continues(taken[0]))):
            taken.append(self._pop())
            left -= taken[-1].tokens
            self._drop_late()
        return taken

    def _continues(self, first: Waiting) -> bool:
        """Whether the next waiting post may join `first`: a batch is recorded as a whole or not at all."""
        return self._waiting[0].recorded == first.recorded

    def _drop_late(self) -> None:
        """Drop the first posts that no one waits for any more; they were never accepted."""
        now = time.time()
        while self._waiting and (self._waiting[0].deadline <= now or self._waiting[0].verdict.done()):
            _fail([self._pop()], DeadlineExceeded("no worker had room in time"))

    def _pop(self) -> Waiting:
        waiting = self._waiting.popleft()
        self._tokens -= waiting.tokens
        return waiting

    def _begin(self, run: list[Waiting]) -> None:
        deadline = max(waiting.deadline for waiting in run)
        posts = tuple(waiting.post for waiting in run)
        batch = Batch(uuid.uuid4().hex, posts, self._front, deadline, recorded=run[0].recorded)
        left = min(max(0.0, deadline - time.time()), self._patience)
        expiry = asyncio.get_running_loop().call_later(left, self._expire, batch.id)
        waiting = {waiting.post.key: waiting for waiting in run}
        self._in_flight[batch.id] = _InFlight(waiting, time.monotonic(), expiry)
        task = asyncio.create_task(self._send(batch))
        self._shipping.add(task)
        task.add_done_callback(self._shipping.discard)

    async def _send(self, batch: Batch) -> None:
        try:
            await self._ship(batch)
        except AssayError as error:
            self._fail(batch.id, error)

    def _expire(self, batch_id: str) -> None:
        self._fail(batch_id, DeadlineExceeded("no worker answered in time"))

    def _fail(self, batch_id: str, error: AssayError) -> None:
        if batch := self._end(batch_id):
            _fail(batch.waiting.values(), error)

    def _end(self, batch_id: str) -> _InFlight | None:
        batch = self._in_flight.pop(batch_id, None)
        if batch:
            batch.expiry.cancel()
            self._wake.set()
        return batch


def _fail(run: Iterable[Waiting], error: AssayError) -> None:
    for waiting in run:
        if not waiting.verdict.done():
            waiting.verdict.set_exception(error)
