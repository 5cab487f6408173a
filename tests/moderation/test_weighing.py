"""The arithmetic of an author's posts: agreeing evidence moves further, at a discount, and order is nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.log_odds import STRONGEST, Weights, share_of
from service.moderation.author import Weighing

EVIDENCE = st.lists(st.floats(-STRONGEST, STRONGEST), min_size=1, max_size=50)


def test_more_agreeing_posts_move_further_but_less_than_strangers_would(weighing: Weighing) -> None:
    fit = weighing.weights
    odds = [fit.log_odds([1.0] * posts) for posts in range(1, 51)]
    assert odds == sorted(odds)
    assert odds[0] == pytest.approx(1.0)
    assert all(found < posts for posts, found in enumerate(odds[1:], start=2))
    assert odds[49] < 1 / fit.correlation  # what so many posts can be worth at most


def test_without_correlation_evidence_adds_up() -> None:
    fit = Weights(buckets=(), slopes=(1.0,), offsets=(0.0,), correlation=0.0, slope=1.0, bias=0.0)
    assert fit.log_odds([0.5, -0.25, 1.0]) == pytest.approx(1.25)


@given(EVIDENCE, st.integers(0, 99))
def test_order_does_not_matter(evidence: list[float], seed: int) -> None:
    fit = Weights(buckets=(), slopes=(1.0,), offsets=(0.0,), correlation=0.2, slope=1.0, bias=0.1)
    shuffled = random.Random(seed).sample(evidence, len(evidence))
    assert fit.log_odds(shuffled) == fit.log_odds(evidence)
    assert share_of(shuffled, 0.3) == share_of(evidence, 0.3)


@pytest.mark.parametrize(("words", "found"), [(5, 1.0986), (10, 1.0986), (11, 1.7578), (21, 2.1972), (500, 2.1972)])
def test_short_posts_count_for_less(weighing: Weighing, words: int, found: float) -> None:
    assert weighing.weights.evidence(0.9, words) == pytest.approx(found, abs=1e-3)
    assert weighing.weights.evidence(0.1, words) == pytest.approx(-found, abs=1e-3)


@pytest.mark.parametrize("probability", [0.0, 1.0, 1e-9, 1 - 1e-9])
def test_no_post_speaks_louder_than_it_may(weighing: Weighing, probability: float) -> None:
    assert abs(weighing.weights.evidence(probability, 100)) == STRONGEST


@pytest.mark.parametrize(
    "changes", [{"slopes": (1.0,)}, {"correlation": 1.5}, {"slope": float("nan")}, {"offsets": (float("inf"),) * 2}]
)
def test_weights_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    good: dict[str, object] = {"buckets": (10,), "slopes": (1.0, 1.0), "offsets": (0.0, 0.0)}
    with pytest.raises(ValueError, match=r"bucket|correlation|finite"):
        Weights(**{**good, "correlation": 0.2, "slope": 1.0, "bias": 0.0, **changes})  # type: ignore[arg-type]


@given(EVIDENCE, st.floats(0.05, 1.0))
def test_the_share_lies_in_its_interval(evidence: list[float], discount: float) -> None:
    share = share_of(evidence, discount)
    assert 0 <= share.low <= share.value <= share.high <= 1


@pytest.mark.parametrize(("machine", "low", "high"), [(0, 0.0, 0.02), (10, 0.4, 0.6), (5, 0.15, 0.35), (20, 0.98, 1.0)])
def test_an_account_of_both_kinds_gets_a_middle_share(machine: int, low: float, high: float) -> None:
    share = share_of([3.0] * machine + [-3.0] * (20 - machine), 0.5)
    assert low <= share.value <= high


def test_fewer_posts_and_more_dependent_ones_leave_a_wider_interval() -> None:
    def width(posts: int, discount: float) -> float:
        share = share_of([3.0, -3.0] * (posts // 2), discount)
        return share.high - share.low

    assert width(40, 0.5) < width(10, 0.5) < width(10, 0.2)


def test_evidence_of_nothing_leaves_the_share_open() -> None:
    share = share_of([0.0] * 20, 0.3)
    assert (share.low, share.high) == (0.0, 1.0)
