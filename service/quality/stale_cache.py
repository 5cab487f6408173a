"""A stale-while-revalidate cache (RFC 5861): a page that many look at costs the database one query now and then."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")


class StaleCache:
    """Keeps what was asked, by key, for `seconds`; 0: nothing.

    What is older is answered once more, and asked again behind the caller's back, so that nobody but the first waits.
    """

    def __init__(self, seconds: float = 0.0, clock: Callable[[], float] = monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}

    async def ask(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives or gave lately. `key` names the question; there must be few of them."""
        if not self._seconds:
            return await make()
        held = self._answers.get(key)
        if held and self._clock() - held[0] < self._seconds:
            answer: T = held[1]
            return answer
        task = self._asking.get(key) or self._ask(key, make)
        if held is None:
            made: T = await asyncio.shield(task)
            return made
        stale: T = held[1]
        return stale

    def _ask(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        async def asked() -> T:
            answer = await make()
            self._answers[key] = self._clock(), answer
            return answer

        task = asyncio.ensure_future(asked())
        self._asking[key] = task
        task.add_done_callback(lambda done: self._done(key, done))
        return task

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waits gets it; behind a stale answer it is asked again by the next caller
