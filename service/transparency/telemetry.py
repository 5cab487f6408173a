"""Reports deleted records: a log event and a metric each, counts only."""

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from service.failures import FailureLog
from service.transparency.retention import Kind


class TransparencyObserver(FailureLog):
    """Logs and counts. One per process; `registry` takes the metrics (None: nobody reads them)."""

    def __init__(self, registry: CollectorRegistry | None = REGISTRY) -> None:
        super().__init__()
        self._log = structlog.get_logger("assay")
        self._deleted = Counter(
            "assay_records_deleted", "Records that were older than their kind is kept", ["kind"], registry=registry
        )

    def deleted(self, kind: Kind, count: int) -> None:
        """See `RetentionObserver.deleted`."""
        self._deleted.labels(kind.value).inc(count)
        self._log.info("records deleted", kind=kind.value, count=count)
