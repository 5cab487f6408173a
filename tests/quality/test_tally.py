"""What a verdict adds to the counts, and what latencies come out of them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.decision import Category, Decision, Ruling
from service.domain.verdict import Source
from service.quality.tally import Grain, by_kind, latency, tallies, tally
from tests.factories import post_of, verdict_of


def test_a_post_adds_to_what_it_is() -> None:
    counts = tally(replace(verdict_of(post_of()), source=Source.CACHE, latency={}))
    assert counts == Counter(
        {
            "posts": 1,
            "judged": 1,
            "ai": 1,
            "decision:LABEL": 1,
            "surface:feed": 1,
            "source:CACHE": 1,
            "policy:p1": 1,
            "model:m1": 1,
            "category:MISINFORMATION": 1,
            "category:AI_GENERATED": 1,
            "flagged:MISINFORMATION:LABEL": 1,
            "flagged:AI_GENERATED:LABEL": 1,
        }
    )


def test_what_was_not_judged_is_no_share_of_the_machine_written() -> None:
    ruling = Ruling(Decision.REVIEW, (Category.FRAUD,))
    counts = tally(replace(verdict_of(post_of()), judgement=None, source=Source.SET_ASIDE, ruling=ruling))
    assert (counts["posts"], counts["judged"], counts["ai"]) == (1, 0, 0)
    assert "latency" not in by_kind(counts)


def test_a_revision_is_no_further_post() -> None:
    assert tally(replace(verdict_of(post_of()), revision=2)) == {"revised": 1, "revised:LABEL": 1}


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30))
def test_each_grain_holds_every_verdict_once(seconds: list[int]) -> None:
    from service.domain.post import PostKey, Surface
    from service.domain.verdict import Verdict

    start = datetime(2026, 1, 1, tzinfo=UTC)
    verdicts = [
        Verdict(
            post=PostKey("platforms/x/posts/1", "f"),
            content_digest="d",
            surface=Surface.FEED,
            ruling=Ruling(Decision.ALLOW),
            policy_version="p",
            source=Source.CACHE,
            decided_at=start + timedelta(seconds=each),
        )
        for each in seconds
    ]
    found = tallies(verdicts)
    for grain in Grain:
        mine = {begin: counts for (of, begin), counts in found.items() if of is grain}
        assert sum(counts["posts"] for counts in mine.values()) == len(seconds)
        assert all(begin % grain.seconds == 0 for begin in mine)


@given(st.lists(st.floats(0.0002, 500), min_size=1, max_size=200))
def test_percentiles_are_right_within_a_slot(seconds: list[float]) -> None:
    from service.quality.tally import _slot

    found = latency(Counter(str(_slot(each)) for each in seconds))
    assert found is not None
    assert found.posts == len(seconds)
    for value, part in ((found.median, 0.5), (found.p90, 0.9), (found.p99, 0.99)):
        exact = float(np.quantile(seconds, part, method="inverted_cdf"))
        assert value == pytest.approx(exact, rel=0.27)


def test_no_latency_of_nothing() -> None:
    assert latency(Counter()) is None
