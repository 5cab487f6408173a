"""The Overview page's numbers out of rows."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.domain.verdict import Source
from service.quality.overview import KEPT, Range, overview
from service.quality.prevalence import prevalence
from service.quality.tally import Grain

NOW = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
NOTHING = prevalence([])


@pytest.mark.parametrize("span", Range)
def test_stretches_follow_each_other_to_now_and_their_rows_are_kept(span: Any) -> None:
    scale = span.scale
    starts = scale.starts(NOW)
    assert len(starts) == scale.buckets
    assert all(after - before == scale.step for before, after in pairwise(starts))
    assert starts[-1] <= NOW < starts[-1] + scale.step
    assert scale.step.total_seconds() % scale.grain.seconds == 0
    assert NOW - starts[0] < KEPT[scale.grain]


def row(start: datetime, **counts: int) -> tuple[datetime, Counter[str]]:
    return start, Counter({name.replace("__", ":"): count for name, count in counts.items()})


def test_rows_are_put_into_their_stretches() -> None:
    starts = Range.DAY.scale.starts(NOW)
    first = row(
        starts[0], posts=4, judged=2, ai=1, decision__ALLOW=3, decision__BLOCK=1, surface__ad=4, source__CACHE=3,
        category__FRAUD=1, model__m1=2, policy__p1=4, latency__20=4,
    )  # fmt: skip
    last = row(starts[-1], posts=6, judged=6, decision__ALLOW=6, source__MODEL=6, model__m2=6, policy__p1=6, revised=2)
    early = row(starts[0] - timedelta(hours=1), posts=99)
    found = overview(Range.DAY, NOW, [early, first, last], NOTHING, [], [])
    assert found.posts == 10
    assert found.decisions == {d: {"ALLOW": 9, "BLOCK": 1}.get(d, 0) for d in Decision}
    assert found.categories == {Category.FRAUD: 1}
    assert found.surfaces == {Surface.AD: 4}
    assert found.sources == {Source.MODEL: 6, Source.CACHE: 3}
    assert (found.ai_share, found.cache_share, found.revised) == (1 / 8, 0.3, 2)
    assert [(each.version, each.posts, each.first) for each in found.models] == [
        ("m2", 6, starts[-1]),
        ("m1", 2, starts[0]),
    ]
    assert (found.policies[0].posts, found.policies[0].first, found.policies[0].last) == (10, starts[0], starts[-1])
    assert len(found.buckets) == 24
    assert found.buckets[0].posts == 4
    assert found.buckets[0].ai_share == 0.5
    assert found.buckets[1].ai_share is found.buckets[1].cache_share is found.buckets[1].latency is None
    assert found.buckets[-1].revised == 2
    assert found.latency
    assert found.latency.posts == 4
    assert 0.01 <= found.latency.median <= 0.0126


def test_with_nothing_counted_there_is_a_page() -> None:
    found = overview(Range.SEASON, NOW, [], NOTHING, [], [])
    assert (found.posts, found.ai_share, found.latency, found.models) == (0, None, None, ())
    assert len(found.buckets) == 90
    assert found.prevalence.violating.value is None


def test_grains() -> None:
    assert Grain.HOUR.start(NOW) == datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
