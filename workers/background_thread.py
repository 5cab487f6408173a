"""A thread with its own event loop for background work, which a long model pass does not stop."""

import asyncio
import threading

from service.failures import UnforeseenLog
from service.supervision import Loop, kept_running

_LOOK = 2.0


class BackgroundThread:
    """Keeps `loop` running from `start` to `stop`."""

    def __init__(self, name: str, loop: Loop) -> None:
        self._name, self._loop = name, loop
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; work that takes longer ends with the process."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * _LOOK)

    async def _run(self) -> None:
        async with kept_running({self._name: self._loop}, UnforeseenLog()):
            while not await asyncio.to_thread(self._stopped.wait, _LOOK):
                pass
