"""Drift: the index against its formula, what chance gives, and that only real shifts are told."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from service.domain.verdict import Source
from service.quality.drift import (
    BINS,
    LARGE,
    USUAL,
    Level,
    ScoreKey,
    bin_of,
    chance,
    drift,
    drifts,
    edges,
    grouped,
    scores,
    stability_index,
)
from tests.factories import post_of, verdict_of

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = START.date()
histograms = st.lists(st.integers(0, 500), min_size=BINS, max_size=BINS)


def histogram(scores_of: Iterable[float]) -> list[int]:
    counts = [0] * BINS
    for score in scores_of:
        counts[bin_of(score)] += 1
    return counts


@given(st.floats(-50, 50))
def test_bins_are_numpys(logit: float) -> None:
    assert bin_of(logit) == int(np.digitize(logit, edges()))


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 1000)), min_size=2, max_size=20))
def test_the_index_is_its_formula(pairs: list[Any]) -> None:
    before, now = [p + 0.5 for p, _ in pairs], [q + 0.5 for _, q in pairs]
    expected = sum(
        (q / sum(now) - p / sum(before)) * log((q / sum(now)) / (p / sum(before)))
        for p, q in zip(before, now, strict=True)
    )
    found = stability_index([p for p, _ in pairs], [q for _, q in pairs])
    assert found == pytest.approx(expected)
    assert found >= 0
    assert stability_index([q for _, q in pairs], [p for p, _ in pairs]) == pytest.approx(found)


@given(histograms)
def test_groups_part_all_bins_into_ten_at_most(counts: list[int]) -> None:
    groups = grouped(counts)
    assert [place for group in groups for place in group] == list(range(BINS))
    assert 1 <= len(groups) <= 10


@pytest.mark.parametrize("bins", [2, 5, 10])
def test_chance_is_the_quantile_of_chi_squared(bins: int) -> None:
    expected = (1 / 400 + 1 / 900) * chi2.ppf(0.95, bins - 1)
    assert chance(bins, 400, 900) == pytest.approx(expected, rel=0.03)


def test_without_a_shift_the_index_seldom_exceeds_what_chance_gives() -> None:
    dice = random.Random(5)
    beyond = 0
    for _ in range(200):
        before = histogram(dice.gauss(0, 2) for _ in range(3000))
        now = histogram(dice.gauss(0, 2) for _ in range(500))
        found = drift("fraud", "m", before, now)
        assert found.level is Level.STEADY
        assert found.index is not None
        assert found.noise is not None
        beyond += found.index > found.noise
    assert beyond <= 20  # 5 % of 200, and chance


@pytest.mark.parametrize(
    ("shift", "level"), [(0.0, Level.STEADY), (0.8, Level.MODERATE), (2.0, Level.LARGE), (-2.0, Level.LARGE)]
)
def test_shifts_are_told_by_their_size(shift: float, level: Level) -> None:
    dice = random.Random(6)
    before = histogram(dice.gauss(-1, 2) for _ in range(5000))
    now = histogram(dice.gauss(-1 + shift, 2) for _ in range(5000))
    assert drift("fraud", "m", before, now).level is level


def test_few_scores_say_nothing_and_a_large_index_of_few_may_be_chance() -> None:
    few = drift("fraud", "m", [100] * BINS, [1] * BINS)
    assert (few.index, few.level) == (None, Level.UNKNOWN)
    assert chance(10, 60, 200) > LARGE


def test_scores_are_of_texts_that_the_model_read_once() -> None:
    post = post_of("A text")
    read = replace(verdict_of(post), decided_at=START, source=Source.MODEL)
    found = scores([read, replace(read, source=Source.CACHE), replace(read, revision=1), replace(read, judgement=None)])
    assert read.judgement
    assert {key.signal for key in found} == set(read.judgement.signals)
    assert all(sum(counts) == 1 for counts in found.values())
    assert all((key.day, key.model) == (TODAY, read.model_version) for key in found)


def test_days_are_compared_within_the_model_at_work() -> None:
    def at(place: int, count: int = 600) -> list[int]:
        counts = [0] * BINS
        counts[place] = counts[place + 1] = count // 2
        return counts

    held = {
        ScoreKey(TODAY, "new", "fraud"): at(20),
        ScoreKey(TODAY - timedelta(days=1), "new", "hate"): at(10),
        ScoreKey(TODAY - timedelta(days=2), "new", "fraud"): at(10),
        ScoreKey(TODAY - timedelta(days=9), "new", "hate"): at(10),
        ScoreKey(TODAY - timedelta(days=9), "old", "fraud"): at(30),
        ScoreKey(TODAY, "old", "fraud"): at(1, 300),
    }
    found = drifts(held, USUAL, TODAY)
    assert [(each.signal, each.model, each.level) for each in found] == [
        ("fraud", "new", Level.LARGE),
        ("hate", "new", Level.STEADY),
    ]
    assert (found[0].scores_before, found[0].scores_now) == (600, 600)
    assert sum(found[0].before) == pytest.approx(1)
    assert drifts({}, USUAL, TODAY) == []
