"""Logs and metrics of quality. Ids and numbers only."""

from collections.abc import Sequence

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from service.failures import FailureLog
from service.quality.drift import Drift, Level
from service.quality.overview import QueueAge

_TOLD = {Level.MODERATE, Level.LARGE}


class QualityTelemetry(FailureLog):
    """`quality.ports.QualityObserver`. One per process; `registry` takes the metrics."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(Counter("assay_quality_errors", "Failures in measuring quality", ["error"], registry=registry))
        self._log = structlog.get_logger("assay")
        self._drift = Gauge(
            "assay_score_drift",
            "Population stability index of a signal's scores, beyond what chance gives",
            ["signal"],
            registry=registry,
        )
        self._cases = Gauge("assay_cases_open", "Open cases", ["queue"], registry=registry)
        self._case_age = Gauge(
            "assay_case_age_seconds", "Age of the oldest open case of a queue", ["queue"], registry=registry
        )
        self._appeals = Gauge("assay_appeals_open", "Appeals that wait", registry=registry)
        self._appeal_age = Gauge("assay_appeal_age_seconds", "Age of the oldest open appeal", registry=registry)
        self._golden = Counter("assay_golden_shown", "Golden items put among cases", registry=registry)
        self._sampled = Counter("assay_prevalence_cases", "Cases of the prevalence sample opened", registry=registry)
        self._levels: dict[str, Level] = {}

    def drifted(self, drift: Drift) -> None:
        """Set the gauge of a signal: 0 where chance alone may have moved it. Log where what that means has changed."""
        beyond = drift.index is not None and drift.index > drift.noise
        self._drift.labels(drift.signal).set(drift.index if drift.index and beyond else 0.0)
        before, self._levels[drift.signal] = self._levels.get(drift.signal, Level.UNKNOWN), drift.level
        if drift.level is not before and {drift.level, before} & _TOLD:
            self._log.warning(
                "scores drifted",
                signal=drift.signal,
                model=drift.model,
                level=drift.level.value,
                index=round(drift.index or 0.0, 4),
                scores=drift.scores_now,
            )

    def waiting(self, queues: Sequence[QueueAge], appeals: tuple[int, float]) -> None:
        """Set the gauges of queues and appeals."""
        self._cases.clear()
        self._case_age.clear()
        for each in queues:
            self._cases.labels(each.queue).set(each.open)
            self._case_age.labels(each.queue).set(each.oldest)
        count, age = appeals
        self._appeals.set(count)
        self._appeal_age.set(age)

    def golden_shown(self, moderator: str, item: str) -> None:
        """Count a golden item. The log says nothing of it: whoever reads along must not learn which case it is."""
        del moderator, item
        self._golden.inc()

    def sampled(self, posts: int) -> None:
        """Count opened prevalence cases."""
        self._sampled.inc(posts)
