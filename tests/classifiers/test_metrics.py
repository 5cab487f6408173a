"""The metrics against scikit-learn's, and the properties that it doesn't cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from classifiers.metrics import (
    auroc,
    bootstraps,
    ece,
    rate_interval,
    reliability,
    roc,
    threshold_at_fpr,
    tpr_at_fpr,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=60).filter(
    lambda rows: len({truth for truth, _ in rows}) == 2
)


@given(ROWS)
def test_auroc_agrees_with_scikit_learn_ties_included(rows: list[tuple[bool, int]]) -> None:
    truth, scores = map(np.array, zip(*rows, strict=True))
    assert auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


@given(ROWS, st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0]))
def test_tpr_at_fpr_is_the_best_point_of_the_roc_curve(rows: list[tuple[bool, int]], most: float) -> None:
    truth, scores = map(np.array, zip(*rows, strict=True))
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert tpr_at_fpr(truth, scores, most) == pytest.approx(tpr[fpr <= most + 1e-12].max())
    assert (scores[~truth] >= threshold_at_fpr(truth, scores, most)).mean() <= most


def _sample(n: int, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    p = generator.random(n)
    return generator.random(n) < p, p


def test_ece_is_small_for_true_probabilities_and_the_gap_for_shifted_ones() -> None:
    truth, p = _sample(20_000)
    assert ece(truth, p) < 0.02
    assert ece(np.ones(10), np.full(10, 0.7)) == pytest.approx(0.3)
    assert ece([0, 1], [0.0, 1.0]) == 0


def test_bootstrap_interval_holds_the_estimate_and_narrows_with_rows() -> None:
    few, many = _sample(200), _sample(5000)
    [wide], [narrow] = bootstraps([auroc], *few, rounds=200), bootstraps([auroc], *many, rounds=200)
    assert wide[0] < auroc(*few) < wide[1]
    assert narrow[0] < auroc(*many) < narrow[1]
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 2


def test_bootstrap_draws_groups_whole() -> None:
    truth, p = _sample(100)
    copies = np.tile(truth, 20), np.tile(p, 20)
    [alone] = bootstraps([auroc], truth, p, rounds=300)
    [apart] = bootstraps([auroc], *copies, rounds=300)
    [together] = bootstraps([auroc], *copies, groups=np.tile(np.arange(100), 20), rounds=300)
    assert together == pytest.approx(alone, abs=0.02)
    assert apart[1] - apart[0] < (together[1] - together[0]) / 2


@pytest.mark.parametrize(
    ("truth", "scores", "named"),
    [([1, 1], [0.1, 0.2], "one class"), ([0, 1, 1], [0.1, 0.2], "shapes"), ([0, 1], [0.1, np.nan], "not a number")],
)
def test_bad_input_is_named(truth: list[int], scores: list[float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        auroc(truth, scores)


def test_ece_refuses_logits_and_bootstrap_a_single_group() -> None:
    with pytest.raises(ValueError, match="calibrate"):
        ece([0, 1], [-3.0, 4.0])
    with pytest.raises(ValueError, match="one group"):
        bootstraps([auroc], [0, 1], [0.1, 0.9], groups=["a", "a"])


@given(ROWS)
def test_roc_thinned_lies_on_the_curve(rows: list[tuple[bool, int]]) -> None:
    truth, scores = map(np.array, zip(*rows, strict=True))
    fpr, tpr = roc(truth, scores)
    whole = set(
        zip(*(part.round(5).tolist() for part in roc_curve(truth, scores, drop_intermediate=False)[:2]), strict=True)
    )
    found = list(zip(fpr, tpr, strict=True))
    assert set(found) <= whole
    assert (found[0][0], found[-1]) == (0.0, (1.0, 1.0))


def test_reliability_bins_hold_what_came_true() -> None:
    bins = reliability([1, 1, 0, 0], [0.95, 0.95, 0.95, 0.05])
    assert bins.rows == (1, 3)
    assert bins.predicted == pytest.approx((0.05, 0.95))
    assert bins.observed == pytest.approx((0.0, 2 / 3))


def test_several_metrics_share_their_draws() -> None:
    truth, p = _sample(150)
    metrics = [auroc, lambda some, values: tpr_at_fpr(some, values, 0.05)]
    assert bootstraps(metrics, truth, p, rounds=50) == [
        bootstraps([metric], truth, p, rounds=50)[0] for metric in metrics
    ]


def test_rate_interval_counts_articles_not_copies() -> None:
    flags, groups = np.array([0] * 99 + [1]), np.arange(100)
    low, high = rate_interval(flags, groups)
    assert (low, high) == pytest.approx((0.0018, 0.0545), abs=1e-4)  # Wilson, 1 of 100
    assert rate_interval(np.tile(flags, 5), np.tile(groups, 5)) == (low, high)
    assert rate_interval([0, 0, 0], [1, 2, 3])[1] > 0.5
