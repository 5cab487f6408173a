"""Keeps the loops of a front running beside its calls: one that a defect ends is reported and begun again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from service.failures import FailureReporter

_RESTART = 1.0
_PATIENCE = 5.0

Loop = Callable[[], Awaitable[None]]


@asynccontextmanager
async def kept_running(loops: Mapping[str, Loop], observer: FailureReporter) -> AsyncIterator[None]:
    """Runs each of the loops, by name, while the context is open; then cancels them and waits for their ends."""
    tasks = [asyncio.create_task(_keep(name, loop, observer), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        while running := [task for task in tasks if not task.done()]:
            for task in running:  # again, too: a client library may swallow a cancellation
                task.cancel()
            await asyncio.wait(running, timeout=_PATIENCE)


async def _keep(name: str, loop: Loop, observer: FailureReporter) -> None:
    while True:
        try:
            return await loop()
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round may pass
            observer.report_failure(name, error)
        await asyncio.sleep(_RESTART)
