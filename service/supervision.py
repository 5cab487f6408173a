"""Background loops: repeated steps, and a restart of loops that a defect ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from service.errors import AssayError
from service.failures import FailureReporter

_RESTART, _PATIENCE = 1.0, 0.5

Loop = Callable[[], Awaitable[None]]


async def every(
    wait: float | Callable[[], Awaitable[object]],
    step: Callable[[], Awaitable[object]],
    observer: FailureReporter,
    name: str,
    *,
    pause: float | None = None,
    going_on: Callable[[], bool] = lambda: True,
) -> None:
    """Repeats a step and a wait while `going_on`, which is checked before each step; or cancel to stop.

    `wait` is seconds, or what to await. An `AssayError` of a step is reported as one of `name`, and followed by `pause`
    seconds, by default by the wait; any other error ends the loop.
    """
    waiting = wait if callable(wait) else lambda: asyncio.sleep(wait)
    while going_on():
        try:
            await step()
        except AssayError as error:
            observer.report_failure(name, error)
            await (waiting() if pause is None else asyncio.sleep(pause))
        else:
            await waiting()


class Poke:
    """What a loop waits for: a poke, or `tick` seconds without one."""

    def __init__(self, tick: float) -> None:
        self._tick, self._poked = tick, asyncio.Event()

    def __call__(self) -> None:
        """End the wait, or the next one if there is none now."""
        self._poked.set()

    async def wait(self) -> None:
        """Returns at the next poke, or after the tick."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._tick):
                await self._poked.wait()
        self._poked.clear()


@asynccontextmanager
async def kept_running(
    loops: Mapping[str, Loop], observer: FailureReporter
) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Runs each of the loops, by name, while the context is open; then cancels them and waits for their ends.

    One that a defect ends is reported and restarted. One that returns is over.
    """
    tasks = {name: asyncio.create_task(_keep(name, loop, observer), name=name) for name, loop in loops.items()}
    try:
        yield tasks
    finally:
        while running := [task for task in tasks.values() if not task.done()]:
            for task in running:  # again, too: a client library may swallow a cancellation, as redis-py's connect did
                task.cancel()
            await asyncio.wait(running, timeout=_PATIENCE)


async def _keep(name: str, loop: Loop, observer: FailureReporter) -> None:
    while True:
        try:
            return await loop()
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round may pass
            observer.report_failure(name, error)
        await asyncio.sleep(_RESTART)
