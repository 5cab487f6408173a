"""Tells of erasures and of records that were let go: a log event and a metric each, counts only."""

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from service.failures import FailureLog
from service.transparency.retention import Kind


class TransparencyObserver(FailureLog):
    """Logs and counts. One per process; `registry` takes the metrics (None: nobody reads them)."""

    def __init__(self, registry: CollectorRegistry | None = REGISTRY) -> None:
        super().__init__()
        self._log = structlog.get_logger("assay")
        self._let_go = Counter(
            "assay_records_let_go", "Records that were older than their kind is kept", ["kind"], registry=registry
        )

    def let_go(self, kind: Kind, count: int) -> None:
        """See `RetentionObserver.let_go`."""
        self._let_go.labels(kind.value).inc(count)
        self._log.info("records let go", kind=kind.value, count=count)
