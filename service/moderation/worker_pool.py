"""What a front knows of its workers, refreshed every second: how many there are and what they judge by."""

from service.domain.judgement import JudgedBy
from service.moderation.ports import LoadObserver, WorkerRegistry
from service.moderation.transport import WorkerInfo
from service.supervision import every

_REFRESH = 1.0


class WorkerPool:
    """The workers, as of the last refresh. While Redis is away they are the last known ones."""

    def __init__(self, registry: WorkerRegistry, observer: LoadObserver, *, batches_per_worker: int) -> None:
        self._registry, self._observer, self._per_worker = registry, observer, batches_per_worker
        self._workers: list[WorkerInfo] = []
        self._judged_by = JudgedBy()

    @property
    def judged_by(self) -> JudgedBy:
        """What the most recently started worker judges by; empty until a worker was seen."""
        return self._judged_by

    def learn(self, judged_by: JudgedBy) -> None:
        """A worker answered with a judgement by these versions, perhaps before its first beat was seen."""
        if not self._judged_by.model:
            self._judged_by = judged_by

    def room(self) -> int:
        """How many live batches may be in flight."""
        return self._per_worker * max(1, len(self._workers))

    async def refresh(self) -> list[WorkerInfo]:
        """Query the registry now. Raises `RedisUnavailable`."""
        self._workers = await self._registry.alive()
        if self._workers:
            self._judged_by = self._workers[0].judged_by
        self._observer.worker_pool(self._workers)
        return self._workers

    async def run(self) -> None:
        """Refresh for ever; cancel to stop."""
        await every(_REFRESH, self.refresh, self._observer, "worker_pool")
