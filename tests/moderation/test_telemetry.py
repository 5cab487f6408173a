"""What logs and metrics tell: one event a post, ids and scores, never a text."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from service.domain.claim import Claim
from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post, Surface
from service.domain.verdict import Source
from service.errors import AssayError, RedisUnavailable
from service.moderation.telemetry import TelemetryObserver
from service.moderation.transport import Lane, WorkerInfo
from service.policy.document import load
from tests.factories import model_verdict, numbered
from tests.fixtures.pipeline import PipelineParts

SECRET = "xylophone"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def observer(registry: CollectorRegistry) -> TelemetryObserver:
    return TelemetryObserver(registry)


@pytest.fixture
def events() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


def test_a_verdict_is_one_event_with_ids_scores_and_latency(observer: TelemetryObserver, events: list[Any]) -> None:
    ruling = Ruling(Decision.LABEL, (Category.AI_GENERATED,), ("machine-written",))
    observer.decided(model_verdict(numbered(1, f"{SECRET} delve"), ruling=ruling, latency={"model": 0.01234567}))
    [event] = events
    assert event["event"] == "post decided"
    assert event["post"] == "platforms/example/posts/1"
    assert event["decision"] == "LABEL"
    assert event["signals"] == {"ai_generated": 0.97, "misinformation": 0.03}
    assert event["seconds"] == {"model": 0.0123}
    assert SECRET not in json.dumps(event)


def test_a_verdict_names_its_claims_and_its_cluster(
    observer: TelemetryObserver, events: list[Any], cheese_claim: Claim
) -> None:
    observer.decided(model_verdict(numbered(1, "it is cheese")))
    observer.decided(model_verdict(numbered(2), judgement=None))
    matched, unjudged = events
    assert (matched["claims"], matched["matches"]) == ("claims-1", ["moon"])
    assert matched["cluster"] == ""
    assert (unjudged["claims"], unjudged["matches"], unjudged["cluster"]) == ("", [], "")
    assert cheese_claim.claim not in json.dumps(events)


def test_a_quarantine_is_counted_and_names_its_claim(
    observer: TelemetryObserver, registry: CollectorRegistry, events: list[Any]
) -> None:
    assert registry.get_sample_value("assay_claims_quarantined_total") == 0
    observer.quarantined("moon")
    assert registry.get_sample_value("assay_claims_quarantined_total") == 1
    assert (events[0]["event"], events[0]["claim"], events[0]["log_level"]) == ("claim quarantined", "moon", "warning")


def test_verdicts_are_counted_by_decision_source_and_surface_and_by_category(
    observer: TelemetryObserver, registry: CollectorRegistry
) -> None:
    ruling = Ruling(Decision.REVIEW, (Category.HATE, Category.FRAUD))
    for number in range(3):
        observer.decided(model_verdict(numbered(number, surface=Surface.AD), ruling=ruling, source=Source.CACHE))
    observer.decided(model_verdict(numbered(9), judgement=None, source=Source.SET_ASIDE))
    labels = {"decision": "REVIEW", "source": "CACHE", "surface": "ad"}
    assert registry.get_sample_value("assay_posts_decided_total", labels) == 3
    assert registry.get_sample_value("assay_categories_total", {"category": "FRAUD"}) == 3
    assert registry.get_sample_value("assay_set_aside_total") == 1


def test_lookups_stages_queues_and_workers_become_metrics(
    observer: TelemetryObserver, registry: CollectorRegistry
) -> None:
    observer.looked_up(hits=3, misses=1)
    observer.looked_up(errors=2)
    observer.stage("model", 0.03)
    observer.queued({Lane.LIVE: 2, Lane.BULK: 7, Lane.REPLAY: 0})
    observer.backlog(5, 1.5)
    observer.worker_pool([WorkerInfo("a", "m1", 1.0), WorkerInfo("b", "m1", 2.0), WorkerInfo("c", "m2", 3.0)])
    observer.worker_pool([WorkerInfo("a", "m1", 1.0), WorkerInfo("b", "m1", 2.0)])
    value = registry.get_sample_value
    counts = [value("assay_cache_lookups_total", {"result": result}) for result in ("hit", "miss", "error")]
    assert counts == [3, 1, 2]
    assert value("assay_stage_seconds_count", {"stage": "model"}) == 1
    assert value("assay_stage_seconds_bucket", {"stage": "model", "le": "0.02"}) == 0
    assert value("assay_queue_messages", {"lane": "bulk"}) == 7
    assert (value("assay_backlog_posts"), value("assay_backlog_age_seconds")) == (5, 1.5)
    assert value("assay_workers_alive") == 2
    assert value("assay_model_info", {"version": "m1"}) == 2
    assert value("assay_model_info", {"version": "m2"}) is None


def test_trouble_of_our_own_is_told_in_words(
    observer: TelemetryObserver, registry: CollectorRegistry, events: list[Any]
) -> None:
    observer.report_failure("cache", RedisUnavailable("Redis does not answer"))
    assert (events[0]["where"], events[0]["message"]) == ("cache", "Redis does not answer")
    assert registry.get_sample_value("assay_errors_total", {"error": "RedisUnavailable"}) == 1


def test_trouble_of_others_is_told_by_its_place_since_its_words_may_be_the_posts(
    observer: TelemetryObserver, events: list[Any]
) -> None:
    try:
        int(SECRET)  # its error repeats the word
    except ValueError as error:
        observer.report_failure("model", error)
    assert events[0]["error"] == "ValueError"
    assert "test_telemetry.py" in events[0]["frames"][-1]
    assert SECRET not in json.dumps(events)


@pytest.fixture
def watched(parts: PipelineParts) -> tuple[Any, CollectorRegistry, CollectorRegistry]:
    """The parts with a telemetry of its own in front and worker."""
    front, worker = CollectorRegistry(), CollectorRegistry()
    parts.front_observer, parts.worker_observer = TelemetryObserver(front), TelemetryObserver(worker)
    return parts, front, worker


async def everything(parts: PipelineParts) -> list[Post]:
    """Posts on all ways: live, twins, submitted, poisonous, with outages of each part."""
    say = f"a {SECRET} story "
    live = [numbered(number, say + str(number % 4), author="somebody") for number in range(20)]
    submitted = [numbered(number, say + str(number)) for number in range(20, 40)]
    poison = numbered(40, say + "poison")
    parts.classifier.failures["poison"] = ValueError(f"cannot read {say}")
    async with parts.front() as pipeline:
        await pipeline.moderate_many(live)
        await pipeline.submit(submitted)
        await pipeline.moderate(poison)
        await parts.decided(*submitted)
        parts.redis_away()
        with pytest.raises(AssayError):
            await pipeline.moderate(numbered(90, say + "while Redis is away"))
        parts.store.away = True
        with pytest.raises(AssayError):
            await pipeline.moderate(numbered(91, say + "while all is away"))
        parts.store.away = False
    return [*live, *submitted, poison]


async def test_front_and_worker_tell_of_each_decided_post_exactly_once(
    watched: tuple[Any, CollectorRegistry, CollectorRegistry], events: list[Any]
) -> None:
    parts, front, worker = watched
    posts = await everything(parts)
    told = [event["post"] for event in events if event["event"] == "post decided"]
    assert sorted(told) == sorted(one.name for one in posts)
    counted = [
        sample.value
        for registry in (front, worker)
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "assay_posts_decided_total"
    ]
    assert sum(counted) == len(posts)


async def test_no_event_of_front_or_worker_holds_a_text_or_an_author(
    watched: tuple[Any, CollectorRegistry, CollectorRegistry], events: list[Any]
) -> None:
    parts, *_ = watched
    await everything(parts)
    assert {"post decided", "failure"} <= {event["event"] for event in events}
    written = json.dumps(events, default=repr)
    assert SECRET not in written
    assert "somebody" not in written


def test_logs_are_one_json_object_a_line_from_us_and_from_libraries() -> None:
    script = """
import logging, structlog
from service.runtime import logs
logs.configure("info")
structlog.get_logger("assay").info("post decided", post="p", signals={"a": 0.5})
structlog.get_logger("assay").debug("not shown")
logging.getLogger("celery").warning("lost %s", "connection")
logging.getLogger("sqlalchemy").info("not shown")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    ours, theirs = map(json.loads, done.stderr.splitlines())
    assert (ours["event"], ours["level"], ours["signals"]) == ("post decided", "info", {"a": 0.5})
    assert (theirs["event"], theirs["level"]) == ("lost connection", "warning")
    assert ours["timestamp"] < theirs["timestamp"]
    assert done.stdout == ""


def test_an_open_breaker_is_counted_and_logged(
    observer: TelemetryObserver, registry: CollectorRegistry, events: list[Any]
) -> None:
    assert registry.get_sample_value("assay_budget_breaker_opened_total") == 0
    observer.breaker_opened(50)
    assert registry.get_sample_value("assay_budget_breaker_opened_total") == 1
    assert (events[0]["event"], events[0]["limit"]) == ("budget of automatic actions spent", 50)
    assert events[0]["log_level"] == "warning"


def test_the_policy_that_decides_is_told(
    observer: TelemetryObserver, registry: CollectorRegistry, events: list[Any]
) -> None:
    shipped = load()
    for policy in (replace(shipped, version="before"), shipped):
        observer.took_up(policy)
    named = {"name": "default", "version": shipped.version}
    assert registry.get_sample_value("assay_policy_info", named) == 1
    assert registry.get_sample_value("assay_policy_info", {**named, "version": "before"}) is None
    assert (events[1]["event"], events[1]["policy"]) == ("policy loaded", shipped.version)
