"""Certificates: that the bounds hold in repeated draws, what is left out, and the file."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from classifiers.calibration.certificates import (
    STEPS,
    Cell,
    Certificate,
    lower_threshold,
    most_flagged,
    negatives_needed,
    positives_needed,
    upper_threshold,
)
from classifiers.labels import LABELS

DRAWS = 400
SHAPES = st.floats(0.05, 8)
SEEDS = st.integers(0, 2**32 - 1)


def scores(generator: np.random.Generator, shape: float, size: int) -> NDArray[np.int64]:
    """Probabilities, in steps, whose distribution function is x ** (1 / shape)."""
    return np.rint(generator.random(size) ** shape * STEPS).astype(np.int64)


def share_below(threshold: float, shape: float) -> float:
    """The true share of `scores` below a threshold."""
    return float(max(0.0, threshold - 0.5 / STEPS) ** (1 / shape))


@settings(max_examples=12, deadline=None)
@given(SHAPES, SEEDS, st.integers(300, 900), st.sampled_from([(0.01, 0.05), (0.05, 0.1), (0.1, 0.2)]))
def test_the_upper_threshold_flags_too_many_in_no_more_than_delta_of_draws(
    shape: Any, seed: Any, rows: int, rates: tuple[float, float]
) -> None:
    alpha, delta = rates
    generator = np.random.default_rng(seed)
    found = [upper_threshold(scores(generator, shape, rows), alpha, delta) for _ in range(DRAWS)]
    broken = [value is not None and 1 - share_below(value, shape) > alpha for value in found]
    assert np.mean(broken) <= delta + 4 * np.sqrt(delta * (1 - delta) / DRAWS)


@settings(max_examples=12, deadline=None)
@given(SHAPES, SEEDS, st.integers(99, 400), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_lower_threshold_misses_alpha_on_average_at_most(shape: Any, seed: Any, rows: int, alpha: float) -> None:
    generator = np.random.default_rng(seed)
    found = [lower_threshold(scores(generator, shape, rows), alpha) for _ in range(DRAWS)]
    missed = [share_below(value, shape) for value in found if value is not None]
    assert len(missed) == DRAWS
    assert np.mean(missed) <= alpha + 4 * np.std(missed) / np.sqrt(DRAWS)


def test_the_bound_is_not_wastefully_wide() -> None:
    generator = np.random.default_rng(1)
    found = [upper_threshold(scores(generator, 1, 3000), 0.1, 0.1) for _ in range(DRAWS)]
    rates = [1 - share_below(value or 1, 1) for value in found]
    assert 0.09 < np.mean(rates) < 0.1
    assert 0.05 < np.mean(np.array(rates) > 0.1) < 0.15


def test_the_binomial_bound_matches_worked_examples() -> None:
    # 0.99 ** 298 = 0.0500... is over, 0.99 ** 299 under 0.05; 1 of 473: 0.99 ** 473 + 473 * 0.01 * 0.99 ** 472.
    assert 0.99**298 > 0.05 > 0.99**299
    assert 0.99**472 + 472 * 0.01 * 0.99**471 > 0.05 > 0.99**473 + 473 * 0.01 * 0.99**472
    assert [most_flagged(n, 0.01, 0.05) for n in (0, 298, 299, 472, 473)] == [-1, -1, 0, 0, 1]
    assert (negatives_needed(0.01, 0.05), positives_needed(0.01)) == (299, 99)
    assert most_flagged(100_000, 0.01, 0.05) == 947 + 1


def test_thresholds_sit_where_the_rows_allow() -> None:
    negatives = np.arange(1000) * 9  # 0 to 0.8991
    assert most_flagged(1000, 0.01, 0.05) == 4
    assert upper_threshold(negatives, 0.01, 0.05) == pytest.approx((negatives[-5] + 1) / STEPS)
    assert upper_threshold(np.full(1000, STEPS), 0.01, 0.05) is None
    assert upper_threshold(negatives[:100], 0.01, 0.05) is None
    assert upper_threshold(np.zeros(1000, np.int64), 0.01, 0.05) == 0.5
    positives = np.arange(1000, 1199)
    assert lower_threshold(positives, 0.01) == pytest.approx(0.1001)  # two of 200: one below it, one to come
    assert lower_threshold(positives[:98], 0.01) is None


def rows(count: int, *, words: int = 30, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Probabilities, targets and word counts, where the first label is known and well told apart."""
    generator = np.random.default_rng(seed)
    truth = np.full((count, len(LABELS)), np.nan)
    truth[:, 0] = generator.random(count) < 0.5
    probabilities = generator.random((count, len(LABELS))) * 0.5
    probabilities[:, 0] = np.where(truth[:, 0] == 1, 0.6, 0.1) + generator.random(count) * 0.3
    return probabilities, truth, [words] * count


def cell(certificate: Certificate, bucket: int, surface: str = "any", label: str = LABELS[0]) -> Cell:
    return next(c for c in certificate.cells if (c.label, c.surface, c.bucket) == (label, surface, bucket))


def test_short_texts_never_get_an_upper_threshold() -> None:
    for words, bucket in ((10, 0), (20, 1)):
        found = cell(Certificate.fit(*rows(2000, words=words), data="d"), bucket)
        assert found.upper is None
        assert found.lower is not None
    assert cell(Certificate.fit(*rows(2000, words=21), data="d"), 2).upper == pytest.approx(0.5)
    with pytest.raises(ValueError, match="too short"):
        Cell(LABELS[0], "any", 1, 0, 500, None, 0.9)


def test_too_few_rows_leave_no_threshold_and_say_how_many_are_needed() -> None:
    certificate = Certificate.fit(*rows(90), data="d")
    found = cell(certificate, 2)
    assert (found.lower, found.upper) == (None, None)
    assert found.positives + found.negatives == 90
    assert (certificate.positives_needed, certificate.negatives_needed) == (99, 299)
    assert cell(certificate, 2, label="hate").negatives == 0


def test_surfaces_are_certified_apart_and_rows_without_one_are_any() -> None:
    probabilities, truth, words = rows(3000)
    where = ["ad" if index % 3 else "" for index in range(3000)]
    certificate = Certificate.fit(probabilities, truth, words, surfaces=where, data="d")
    assert certificate.surfaces == ("ad", "any")
    ad, anywhere = cell(certificate, 2, "ad"), cell(certificate, 2)
    assert (ad.positives + ad.negatives, anywhere.positives + anywhere.negatives) == (2000, 1000)


def test_a_text_and_its_crop_count_once_in_a_cell() -> None:
    probabilities, truth, words = rows(1000)
    group = np.arange(1000) // 2
    found = cell(Certificate.fit(probabilities, truth, words, groups=group, data="d"), 2)
    assert found.positives + found.negatives == 500


def test_positives_that_were_chosen_by_score_make_no_lower_threshold() -> None:
    probabilities, truth, words = rows(2000)
    found = cell(Certificate.fit(probabilities, truth, words, selected=[True] * 2000, data="d"), 2)
    assert (found.positives, found.lower) == (0, None)
    assert found.upper is not None


def test_the_lower_threshold_never_passes_the_upper() -> None:
    probabilities, truth, words = rows(2000)
    found = cell(Certificate.fit(probabilities, truth, words, data="d"), 2)
    assert found.lower == found.upper == pytest.approx(0.5)


def test_languages_need_rows_enough() -> None:
    languages = ["en-US"] * 200 + ["en"] * 200 + ["de"] * 100 + ["und"] * 500
    assert Certificate.fit(*rows(1000), languages=languages, data="d").languages == ("en",)


def test_json_keeps_everything() -> None:
    certificate = Certificate.fit(*rows(1000), data="two sets").of("0123456789abcdef")
    assert Certificate.from_json(certificate.to_json()) == certificate
    assert json.loads(certificate.to_json())["model_version"] == "0123456789abcdef"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("{", "", "JSON"),
        ('"alpha":0.01', '"alpha":0.7', "alpha: 0.7"),
        ('"buckets":[10', '"buckets":[9', "buckets"),
        ('"label":"hate"', '"label":"hat"', "no label 'hat'"),
        ('"upper":0.5', '"upper":1.5', "not within 0 to 1"),
    ],
)
def test_a_bad_file_is_named(old: str, new: str, named: str) -> None:
    text = Certificate.fit(*rows(2000), data="d").to_json()
    assert old in text
    with pytest.raises(ValueError, match=named):
        Certificate.from_json(text.replace(old, new, 1))


def test_bad_arrays_are_named() -> None:
    probabilities, truth, words = rows(10)
    with pytest.raises(ValueError, match="targets"):
        Certificate.fit(probabilities, truth[:, :2], words, data="d")
    with pytest.raises(ValueError, match="one value for each of 10 rows"):
        Certificate.fit(probabilities, truth, words[:-1], data="d")
    with pytest.raises(ValueError, match="delta: 0"):
        Certificate.fit(probabilities, truth, words, data="d", delta=0)
