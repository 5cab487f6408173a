"""Calibration: probabilities that hold on fresh rows, shrinkage, masks, intervals, prevalence and the file format."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from classifiers.calibration.curves import BUCKETS, Calibration, bucket_of, sigmoid, wilson
from classifiers.metrics import ece

SLOPES = np.array([0.3, 0.5, 0.8, 1.0, 1.4])
BIASES = np.array([-1.0, -0.5, 0.0, 0.3, 0.6])

Sample = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def _sample(n: int, seed: int) -> Sample:
    """Rows of two labels whose true calibration differs by word bucket."""
    generator = np.random.default_rng(seed)
    logits, words = generator.normal(0, 3, (n, 2)), generator.integers(1, 200, n)
    bucket = bucket_of(words)[:, None]
    truth = generator.random((n, 2)) < sigmoid(SLOPES[bucket] * logits + BIASES[bucket])
    return logits, truth.astype(float), words


def test_buckets_are_split_where_the_documentation_says() -> None:
    assert bucket_of([0, 10, 11, 20, 21, 40, 41, 80, 81, 9999]).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_fresh_rows_are_calibrated_in_each_bucket() -> None:
    calibration = Calibration.fit(*_sample(20_000, seed=1))
    logits, truth, words = _sample(20_000, seed=2)
    found = calibration.apply(logits, words)
    assert ece(truth.ravel(), found.p.ravel()) < 0.01
    for bucket in range(len(BUCKETS) + 1):
        rows = bucket_of(words) == bucket
        assert ece(truth[rows, 0], found.p[rows, 0]) < 0.06
        assert ece(truth[rows, 0], sigmoid(logits[rows, 0])) > ece(truth[rows, 0], found.p[rows, 0]) or bucket == 3


def test_interval_holds_the_probability_and_mostly_the_true_one() -> None:
    calibration = Calibration.fit(*_sample(10_000, seed=1))
    logits, _, words = _sample(40_000, seed=2)
    p, low, high = calibration.apply(logits, words)
    assert np.all((low >= 0) & (low <= p) & (p <= high) & (high <= 1))
    true_p = sigmoid(SLOPES[bucket_of(words)] * logits[:, 0] + BIASES[bucket_of(words)])
    assert ((low[:, 0] <= true_p) & (true_p <= high[:, 0])).mean() > 0.85
    assert (high - low).mean() < 0.2


def test_sparse_bucket_is_drawn_to_the_label_and_empty_one_takes_its_curve() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (2000, 1))
    truth = (generator.random((2000, 1)) < sigmoid(2 * logits - 1)).astype(float)
    words = np.full(2000, 30)
    words[:3], truth[:3] = 5, 1
    curves = Calibration.fit(logits, truth, words).curves[0]
    assert curves[4].slope == pytest.approx(2, abs=0.3)
    assert curves[4].bias == pytest.approx(-1, abs=0.2)
    assert curves[0].bias == pytest.approx(-1, abs=0.6)
    low, high = curves[4].bands.around(np.array([0.3]))
    assert (low[0], high[0]) == pytest.approx((0, 1))


def test_unknown_cells_change_nothing_and_a_label_without_both_classes_keeps_its_logits() -> None:
    logits, truth, words = _sample(500, seed=3)
    masked = np.concatenate([truth, np.full_like(truth, np.nan)])
    masked[:, 1] = np.nan
    calibration = Calibration.fit(np.tile(logits, (2, 1)), masked, np.tile(words, 2))
    assert calibration.curves[0] == Calibration.fit(logits, truth, words).curves[0]
    p, low, high = calibration.apply(logits, words)
    np.testing.assert_allclose(p[:, 1], sigmoid(logits[:, 1]), rtol=1e-6)
    assert (low[:, 1].max(), high[:, 1].min()) == pytest.approx((0, 1))


def test_separable_rows_and_huge_logits_stay_finite() -> None:
    logits = np.array([[-900.0], [-800.0], [700.0], [1000.0]])
    found = Calibration.fit(logits, [[0], [0], [1], [1]], [5, 5, 50, 50]).apply(logits, [5, 5, 50, 50])
    assert np.isfinite(found.p).all()
    assert found.p[0, 0] < 0.5 < found.p[-1, 0]


def test_prevalence_correction_scales_the_odds() -> None:
    calibration = Calibration.fit(*_sample(5000, seed=1))
    logits, _, words = _sample(50, seed=2)
    plain = calibration.apply(logits, words)
    rare = calibration.apply(logits, words, prevalence=[0.01, calibration.prevalence[1]])
    ratio = (0.01 / 0.99) / (calibration.prevalence[0] / (1 - calibration.prevalence[0]))
    odds = plain.p[:, 0] / (1 - plain.p[:, 0]) * ratio
    np.testing.assert_allclose(rare.p[:, 0], odds / (1 + odds), rtol=1e-3)
    np.testing.assert_allclose(rare.p[:, 1], plain.p[:, 1], rtol=1e-4)
    assert np.all((rare.low <= rare.p) & (rare.p <= rare.high))


def test_the_feed_s_own_prevalence_is_corrected_for_unless_another_is_given() -> None:
    calibration = Calibration.fit(*_sample(5000, seed=1))
    logits, _, words = _sample(50, seed=2)
    own = replace(calibration, feed=(0.01, calibration.prevalence[1]))
    np.testing.assert_array_equal(own.apply(logits, words).p, calibration.apply(logits, words, own.feed).p)
    plain = own.apply(logits, words, calibration.prevalence).p
    np.testing.assert_allclose(plain, calibration.apply(logits, words).p, rtol=1e-4)
    with pytest.raises(ValueError, match="feed"):
        replace(calibration, feed=(0.0, 0.5))


def _bent(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """True log odds that rise slowly from the logit that four fifths of normal(0, 2) lie below."""
    return 1.5 * np.minimum(logits, 1.68) + 0.2 * np.maximum(logits - 1.68, 0) - 1


def test_a_curve_bends_where_the_rows_do_and_never_falls() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 1))
    truth = (generator.random((20_000, 1)) < sigmoid(_bent(logits))).astype(float)
    curve = Calibration.fit(logits, truth, np.full(20_000, 30)).curves[0][2]
    grid = np.linspace(-5, 5, 201)
    p, expected = curve.apply(grid), sigmoid(_bent(grid))
    assert np.abs(p - expected).max() < 0.04
    assert (np.diff(p) > 0).all()
    straight = sigmoid(curve.slope * grid + curve.bias)
    assert np.abs(straight - expected).max() > 0.1


def test_a_calibration_of_straight_lines_still_loads() -> None:
    curves = [[{"slope": 2.0, "bias": -1.0}] * 5]
    calibration = Calibration.from_json(json.dumps({"curves": curves, "prevalence": [0.5]}))
    assert calibration.apply([[0.5]], [30]).p[0, 0] == pytest.approx(0.5)


def test_json_keeps_everything() -> None:
    calibration = replace(Calibration.fit(*_sample(800, seed=1)), feed=(0.1, 0.2))
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "JSON"),
        ('{"curves": []}', "prevalence"),
        ('{"curves": [[]], "prevalence": [0.5]}', "curve of some bucket"),
        ('{"curves": [], "prevalence": [], "buckets": [7]}', "buckets"),
    ],
)
def test_bad_json_is_named(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Calibration.from_json(text)


def test_bad_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="targets"):
        Calibration.fit([[0.1]], [[1, 0]], [3])
    with pytest.raises(ValueError, match="finite"):
        Calibration.fit([[np.nan]], [[1]], [3])
    with pytest.raises(ValueError, match="texts by labels"):
        Calibration.fit([[0.1], [0.2]], [[1], [0]], [3, 4]).apply([[1.0, 2.0]], [3])


def test_wilson_matches_a_worked_example_and_knows_nothing_of_nothing() -> None:
    low, high = wilson([9, 0], [10, 0])
    # Solves |rate - 0.9| = 1.6449 sqrt(rate (1 - rate) / 10) for rate.
    for bound in (low[0], high[0]):
        assert abs(bound - 0.9) == pytest.approx(1.6448536 * np.sqrt(bound * (1 - bound) / 10))
    assert (low[1], high[1]) == (0, 1)
