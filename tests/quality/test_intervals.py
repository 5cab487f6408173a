"""Intervals against scipy and, where it has none, against what they must cover."""

import random
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from service.quality.intervals import UNKNOWN, Estimate, Stratum, share, stratified, weighted, wilson

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_is_scipys(pair: Any, confidence: float) -> None:
    hits, observations = pair
    expected = binomtest(hits, observations).proportion_ci(confidence, method="wilson")
    assert wilson(hits, observations, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(counts)
def test_one_stratum_and_equal_weights_are_wilsons(pair: Any) -> None:
    hits, observations = pair
    plain = share(hits, observations)
    one = stratified([Stratum(123.4, hits, observations)])
    equal = weighted([(7.0, place < hits) for place in range(observations)])
    for other in (one, equal):
        assert other.observations == observations
        assert (other.value, other.low, other.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-9)


strata = st.lists(
    st.tuples(st.floats(0.1, 1e6), counts).map(lambda each: Stratum(each[0], each[1][0], each[1][1])), min_size=1
)


@given(strata)
def test_a_stratified_share_lies_in_its_interval_and_between_its_strata(given_strata: Any) -> None:
    found = stratified(given_strata)
    parts = [stratum.hits / stratum.observations for stratum in given_strata]
    assert found.value is not None
    assert min(parts) - 1e-9 <= found.value <= max(parts) + 1e-9
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1


@given(strata, st.floats(0.01, 100))
def test_only_relative_sizes_count(given_strata: Any, factor: float) -> None:
    scaled = [stratum._replace(size=stratum.size * factor) for stratum in given_strata]
    before, after = stratified(given_strata), stratified(scaled)
    assert isclose(before.low, after.low, abs_tol=1e-9)
    assert isclose(before.high, after.high, abs_tol=1e-9)


def test_nothing_is_known_of_nothing() -> None:
    assert share(0, 0) == stratified([]) == weighted([]) == UNKNOWN == Estimate(None, 0.0, 1.0, 0)
    assert stratified([Stratum(10, 0, 0), Stratum(0, 1, 2)]) == UNKNOWN


@pytest.mark.parametrize(
    ("sizes", "chances", "draws"),
    [
        ((0.95, 0.05), (0.002, 0.4), (1000, 1000)),
        ((0.95, 0.05), (0.01, 0.4), (500, 100)),
        ((0.5, 0.5), (0.1, 0.1), (50, 200)),
        ((0.6, 0.3, 0.1), (0.0, 0.05, 0.9), (300, 300, 300)),
    ],
)
def test_stratified_intervals_cover_the_truth_about_as_often_as_they_say(
    sizes: tuple[Any, ...], chances: tuple[Any, ...], draws: tuple[Any, ...]
) -> None:
    truth = sum(size * chance for size, chance in zip(sizes, chances, strict=True))
    dice = random.Random(7)
    covered = 0
    for _ in range(400):
        hits = [sum(dice.random() < p for _ in range(n)) for p, n in zip(chances, draws, strict=True)]
        found = stratified([Stratum(*each) for each in zip(sizes, hits, draws, strict=True)])
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.925


def test_weighted_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    dice = random.Random(11)
    truth = (0.9 * 0.05 + 0.1 * 0.6) / 1.0
    covered = 0
    for _ in range(400):
        common = [(0.9 / 300, dice.random() < 0.05) for _ in range(300)]
        rare = [(0.1 / 100, dice.random() < 0.6) for _ in range(100)]
        found = weighted(common + rare)
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.92
