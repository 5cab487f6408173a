"""What a front knows of its workers, refreshed every second: how many there are and which model version they hold."""

import asyncio

from service.domain import WorkerInfo
from service.errors import Unavailable
from service.ports import LoadObserver, WorkerRegistry

_REFRESH = 1.0


class Fleet:
    """The workers, as of the last refresh. While Redis is away the last known ones stand."""

    def __init__(self, registry: WorkerRegistry, observer: LoadObserver, *, batches_per_worker: int) -> None:
        self._registry, self._observer, self._per_worker = registry, observer, batches_per_worker
        self._workers: list[WorkerInfo] = []
        self._model_version = ""

    @property
    def model_version(self) -> str:
        """Version that the most recently started worker holds; empty until a worker was seen."""
        return self._model_version

    def learn(self, model_version: str) -> None:
        """A worker answered with this version, perhaps before its first beat was seen."""
        self._model_version = self._model_version or model_version

    def room(self) -> int:
        """How many live batches may be in flight."""
        return self._per_worker * max(1, len(self._workers))

    async def refresh(self) -> list[WorkerInfo]:
        """Ask the registry now. Raises `RedisUnavailable`."""
        self._workers = await self._registry.alive()
        if self._workers:
            self._model_version = self._workers[0].model_version
        self._observer.fleet(self._workers)
        return self._workers

    async def run(self) -> None:
        """Refresh for ever; cancel to stop."""
        while True:
            try:
                await self.refresh()
            except Unavailable as error:
                self._observer.trouble("fleet", error)
            await asyncio.sleep(_REFRESH)
