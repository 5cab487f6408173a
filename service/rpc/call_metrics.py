"""Prometheus metrics of calls, by method and code."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class CallMetrics:
    """Calls finished, their latency in seconds, and calls open, registered with `registry`."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        both = ("method", "code")
        self._calls = Counter("assay_rpc_calls", "Calls finished.", both, registry=registry)
        self._latency = Histogram(
            "assay_rpc_latency_seconds", "Time per call.", both, registry=registry, buckets=_BUCKETS
        )
        self._open = Gauge("assay_rpc_open_calls", "Calls being served.", ("method",), registry=registry)

    def began(self, method: str) -> None:
        """A call came in."""
        self._open.labels(method).inc()

    def ended(self, method: str, code: str, seconds: float) -> None:
        """It was answered with `code` after `seconds`."""
        self._open.labels(method).dec()
        self._calls.labels(method, code).inc()
        self._latency.labels(method, code).observe(seconds)
