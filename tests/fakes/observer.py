"""An observer that remembers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from service.domain.verdict import Verdict
from service.moderation.transport import Lane, WorkerInfo


@dataclass
class Told:
    """An observer that remembers."""

    verdicts: list[Verdict] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    lookups: dict[str, int] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)
    pools: list[list[WorkerInfo]] = field(default_factory=list)
    backlogs: list[tuple[int, float]] = field(default_factory=list)
    quarantines: list[str] = field(default_factory=list)
    breakers: list[int] = field(default_factory=list)

    def decided(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def stage(self, name: str, seconds: float) -> None:
        assert seconds >= 0
        self.stages.append(name)

    def looked_up(self, **counts: int) -> None:
        for name, count in counts.items():
            self.lookups[name] = self.lookups.get(name, 0) + count

    def quarantined(self, claim_id: str) -> None:
        self.quarantines.append(claim_id)

    def breaker_opened(self, limit: int) -> None:
        self.breakers.append(limit)

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append((where, error))

    def backlog(self, posts: int, age: float) -> None:
        self.backlogs.append((posts, age))

    def queued(self, depths: Any) -> None:
        assert set(depths) == set(Lane)

    def worker_pool(self, workers: Sequence[WorkerInfo]) -> None:
        self.pools.append(list(workers))
