"""The worker's heartbeat, with a connection of its own."""

import contextlib
from collections.abc import Callable

from service.errors import Unavailable
from service.moderation.transport import WorkerInfo
from service.runtime.settings import Settings
from service.runtime.wiring import worker
from workers.background_thread import BackgroundThread


class Heartbeat(BackgroundThread):
    """Beats from `start` to `stop`; `worker` says what the worker holds at the moment."""

    name = "heartbeat"

    def __init__(self, settings: Settings, worker: Callable[[], WorkerInfo]) -> None:
        super().__init__()
        self._settings, self._worker = settings, worker

    async def _work(self) -> None:
        async with worker.registry(self._settings) as registry:
            going_on = True
            while going_on:
                with contextlib.suppress(Unavailable):
                    await registry.beat(self._worker())
                going_on = await self._going_on()
