"""Logs and metrics of webhooks. An event names the endpoint, never its URL, which may hold a key."""

from collections.abc import Mapping

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from service.failures import FailureLog
from service.webhooks.delivery import Answer, DeliveryState, Leased, Outcome

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0)


class WebhookTelemetry(FailureLog):
    """`webhooks.ports.DeliveryObserver`. One per process; `registry` takes the metrics."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(Counter("assay_webhook_errors", "Failures of our own", ["error"], registry=registry))
        self._log = structlog.get_logger("assay")
        self._attempts = Counter(
            "assay_webhook_attempts", "Attempts by the delivery's state after them", ["state"], registry=registry
        )
        self._seconds = Histogram(
            "assay_webhook_seconds", "Duration of an attempt", buckets=_SECONDS, registry=registry
        )
        self._deliveries = Gauge(
            "assay_webhook_deliveries", "Pending and dead deliveries", ["state"], registry=registry
        )

    def attempted(self, leased: Leased, answer: Answer, result: Outcome) -> None:
        """Log and count one attempt."""
        self._attempts.labels(result.state).inc()
        self._seconds.observe(answer.seconds)
        tell = self._log.info if answer.taken else self._log.warning
        tell(
            "webhook",
            endpoint=leased.endpoint,
            event_id=leased.event,
            delivery=leased.id,
            attempt=leased.number,
            status=answer.status,
            error=answer.error,
            state=result.state.value,
            wait=round(result.wait, 1),
            seconds=round(answer.seconds, 4),
            **({"disabled": result.disable} if result.disable else {}),
        )

    def waiting(self, counts: Mapping[DeliveryState, int]) -> None:
        """Set the gauges."""
        for state, count in counts.items():
            self._deliveries.labels(state).set(count)
