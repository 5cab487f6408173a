"""A thread with a loop of its own, for what goes on beside the judging: a long model pass does not stop it."""

import asyncio
import threading
from abc import ABC, abstractmethod

INTERVAL = 2.0


class BackgroundThread(ABC):
    """Works from `start` to `stop`."""

    name: str

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name=self.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what takes longer than a moment ends with the process."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * INTERVAL)

    async def _going_on(self) -> bool:
        """Wait for `INTERVAL` seconds, or less when stopped; whether to go on."""
        return not await asyncio.to_thread(self._stopped.wait, INTERVAL)

    @abstractmethod
    async def _work(self) -> None:
        """Work until stopped."""
