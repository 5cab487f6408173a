"""The pipeline's observer: one structlog event a post and the Prometheus metrics of service and workers."""

from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from service.domain.verdict import Source, Verdict
from service.failures import FailureLog
from service.moderation.transport import Lane, WorkerInfo
from service.policy.policy import Policy

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class TelemetryObserver(FailureLog):
    """Logs and counts. One per process; `registry` takes the metrics."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(
            Counter("assay_errors", "Failures that were worked around or returned", ["error"], registry=registry)
        )
        self._log = structlog.get_logger("assay")
        self._decided = Counter(
            "assay_posts_decided", "Verdicts given", ["decision", "source", "surface"], registry=registry
        )
        self._categories = Counter("assay_categories", "Categories of verdicts given", ["category"], registry=registry)
        self._set_aside = Counter("assay_set_aside", "Posts that stopped the model three times", registry=registry)
        self._quarantined = Counter(
            "assay_claims_quarantined", "Claims that surged and were quarantined", registry=registry
        )
        self._breaker = Counter(
            "assay_budget_breaker_opened", "Days on which automatic actions ran out of budget", registry=registry
        )
        self._policies = Gauge(
            "assay_policy_info", "The policy that decides here", ["name", "version"], registry=registry
        )
        self._lookups = Counter(
            "assay_cache_lookups", "Cache lookups by result, in posts", ["result"], registry=registry
        )
        self._stages = Histogram(
            "assay_stage_seconds", "Time spent in a stage", ["stage"], buckets=_SECONDS, registry=registry
        )
        self._queued = Gauge("assay_queue_messages", "Messages waiting in a lane", ["lane"], registry=registry)
        self._backlog_posts = Gauge("assay_backlog_posts", "Accepted posts not decided yet", registry=registry)
        self._backlog_age = Gauge("assay_backlog_age_seconds", "Age of the oldest undecided post", registry=registry)
        self._workers = Gauge("assay_workers_alive", "Workers with a loaded model that answer", registry=registry)
        self._models = Gauge("assay_model_info", "Workers that hold this model version", ["version"], registry=registry)

    def decided(self, verdict: Verdict) -> None:
        """Log and count one verdict."""
        self._decided.labels(verdict.decision, verdict.source, verdict.surface).inc()
        for category in verdict.ruling.categories:
            self._categories.labels(category).inc()
        if verdict.source is Source.SET_ASIDE:
            self._set_aside.inc()
        self._log.info("post decided", **_event(verdict))

    def stage(self, name: str, seconds: float) -> None:
        """Count one stage's time."""
        self._stages.labels(name).observe(seconds)

    def looked_up(self, *, hits: int = 0, misses: int = 0, errors: int = 0) -> None:
        """Count cache lookups."""
        for result, count in (("hit", hits), ("miss", misses), ("error", errors)):
            if count:
                self._lookups.labels(result).inc(count)

    def quarantined(self, claim_id: str) -> None:
        """Log and count a claim taken out of enforcement."""
        self._quarantined.inc()
        self._log.warning("claim quarantined", claim=claim_id)

    def breaker_opened(self, limit: int) -> None:
        """Log and count an open circuit breaker."""
        self._breaker.inc()
        self._log.warning("budget of automatic actions spent", limit=limit)

    def took_up(self, policy: Policy) -> None:
        """Log the policy that decides from now on, and set its gauge."""
        self._policies.clear()
        self._policies.labels(policy.name, policy.version).set(1)
        self._log.info("policy loaded", policy=policy.version, title=policy.name)

    def backlog(self, posts: int, age: float) -> None:
        """Set the backlog gauges."""
        self._backlog_posts.set(posts)
        self._backlog_age.set(age)

    def queued(self, depths: Mapping[Lane, int]) -> None:
        """Set the queue gauges."""
        for lane, messages in depths.items():
            self._queued.labels(lane).set(messages)

    def worker_pool(self, workers: Sequence[WorkerInfo]) -> None:
        """Set the worker gauges."""
        self._workers.set(len(workers))
        self._models.clear()
        for worker in workers:
            self._models.labels(worker.model_version).inc()


def _event(verdict: Verdict) -> dict[str, object]:
    judgement = verdict.judgement
    signals = judgement.signals if judgement else {}
    return {
        "post": verdict.post.name,
        "decision": verdict.decision.value,
        "categories": [category.value for category in verdict.ruling.categories],
        "rules": verdict.ruling.rules,
        "source": verdict.source.value,
        "model": verdict.model_version,
        "claims": verdict.judged_by.claims,
        "policy": verdict.policy_version,
        "signals": {name: round(signal.probability, 4) for name, signal in signals.items()},
        "matches": [match.claim_id for match in verdict.matches],
        "cluster": verdict.cluster,
        "seconds": {stage: round(seconds, 4) for stage, seconds in verdict.latency.items()},
        "skipped": [f"{skip.stage}:{skip.reason}" for skip in verdict.skipped],
    }
