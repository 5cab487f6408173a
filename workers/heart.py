"""The worker's heartbeat: a thread with a loop and a connection of its own, which a long model pass does not stop."""

import asyncio
import contextlib
import threading

from service import bootstrap
from service.domain import WorkerInfo
from service.errors import Unavailable
from service.settings import Settings

_INTERVAL = 2.0


class Heart:
    """Beats from `start` to `stop`."""

    def __init__(self, settings: Settings, worker: WorkerInfo) -> None:
        self._settings, self._worker = settings, worker
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._beat()), name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * _INTERVAL)

    async def _beat(self) -> None:
        async with bootstrap.registry(self._settings) as registry:
            while not self._stopped.is_set():
                with contextlib.suppress(Unavailable):
                    await registry.beat(self._worker)
                await asyncio.to_thread(self._stopped.wait, _INTERVAL)
