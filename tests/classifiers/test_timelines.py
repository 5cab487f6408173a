"""How an author's posts are weighed: the fit finds what is there, and the service does the same sums."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.calibration.curves import BUCKETS, bucket_of, sigmoid
from classifiers.errors import InputError
from classifiers.evaluation.accounts import Pool, World
from classifiers.evaluation.author_weights import Accounts, Curves, Scored, fit_curves, fit_weights, logit_of, to_json
from classifiers.evaluation.timelines import TimelineOptions, fit, measure, shares, timelines
from classifiers.metrics import auroc, ece
from service.domain.log_odds import share_of
from service.moderation.author import Weighing

OPENING = "whole posts"
CURVES = Curves((1.0,) * 5, (0.0,) * 5)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def world(rng: np.random.Generator, spread: float, sets: int = 30, bias: float = 0.0) -> World:
    """Pools whose posts' log odds scatter by 1 around a mean that scatters by `spread` around the class's."""
    pools = []
    for number in range(sets):
        for machine in (False, True):
            centre = (0.5 if machine else -0.5) + spread * rng.normal()
            logit = centre + rng.normal(size=60) + bias
            pools.append(Pool(f"set{number}", machine, OPENING, logit, bucket_of(rng.integers(5, 100, 60))))
    return World(pools)


def test_what_posts_of_an_account_share_is_found_as_their_correlation(rng: np.random.Generator) -> None:
    found = [fit(world(rng, spread), rng).correlation for spread in (0.05, 0.5, 1.5)]
    assert found[0] < 0.05
    assert found == sorted(found)
    assert 0.1 < found[1] < 0.35  # 0.25 / 1.25 of the variance is the account's
    assert found[2] > 0.4


def test_more_posts_tell_more_and_are_calibrated(rng: np.random.Generator) -> None:
    dev, test = world(rng, 0.3, sets=60), world(rng, 0.3, sets=60)
    figures = {figure.posts: figure for figure in measure(test, fit(dev, rng), "all", rng)}
    assert [figures[posts].auroc for posts in (1, 5, 20)] == sorted(figures[posts].auroc for posts in (1, 5, 20))
    assert figures[20].auroc > figures[1].auroc + 0.1
    assert all(figure.ece < 0.06 for figure in figures.values())


def test_naive_sums_would_be_overconfident(rng: np.random.Generator) -> None:
    dev, test = world(rng, 1.0, sets=60), world(rng, 1.0, sets=60)
    weights = fit(dev, rng)
    accounts = test.accounts(weights.curves, 20, 1000, rng)
    weighed = sigmoid(weights.log_odds(accounts.evidence, accounts.posts))
    naive = sigmoid(accounts.evidence * accounts.posts)
    assert auroc(accounts.machine, weighed) == pytest.approx(auroc(accounts.machine, naive), abs=1e-9)
    assert ece(accounts.machine, weighed) < ece(accounts.machine, naive) / 2


def test_the_prior_of_the_posts_is_taken_out(rng: np.random.Generator) -> None:
    curves = fit_curves(world(rng, 0.0, bias=2.0).scored())
    assert curves.slopes == pytest.approx([1.0] * 5, abs=0.15)
    assert curves.offsets == pytest.approx([-2.0] * 5, abs=0.25)


def test_a_bucket_with_few_posts_keeps_to_the_overall_curve(rng: np.random.Generator) -> None:
    posts = world(rng, 0.0).scored()
    few = np.flatnonzero(posts.bucket == 4)[5:]
    kept = np.setdiff1d(np.arange(len(posts.logit)), few)
    columns: list[Any] = [column[kept] for column in posts]
    curves = fit_curves(Scored(*columns))
    assert curves.slopes[4] == pytest.approx(np.mean(curves.slopes[:4]), abs=0.2)


def test_accounts_are_of_one_pool_each_and_of_no_smaller_one(rng: np.random.Generator) -> None:
    pools = [
        Pool("a", machine, OPENING, np.full(size, float(size)), np.zeros(size, np.intp))
        for machine in (False, True)
        for size in (3, 5)
    ]
    accounts = World(pools).accounts(CURVES, 5, 50, rng)
    assert set(accounts.evidence) == {5.0}
    assert set(World(pools).accounts(CURVES, 3, 50, rng).evidence) == {3.0, 5.0}
    assert World(pools).accounts(CURVES, 6, 50, rng).machine.size == 0


def test_mixed_accounts_hold_their_share(rng: np.random.Generator) -> None:
    pools = [
        Pool("a", machine, OPENING, np.full(20, 1.0 if machine else -1.0), np.zeros(20, np.intp))
        for machine in (False, True)
    ]
    evidence = World(pools).mixed(CURVES, 20, 0.25, 30, rng)
    assert evidence.shape == (30, 20)
    assert set((evidence > 0).sum(1)) == {5}


def test_one_class_alone_cannot_be_fitted() -> None:
    with pytest.raises(InputError, match="people"):
        World([Pool("a", True, OPENING, np.zeros(9), np.zeros(9, np.intp))]).scored()
    with pytest.raises(InputError, match="too few"):
        fit_weights(CURVES, Accounts(np.zeros(99), np.ones(99, np.int64), np.ones(99, bool)))


def test_the_service_does_the_same_sums(rng: np.random.Generator) -> None:
    weights = fit(world(rng, 0.4), rng)
    applied = Weighing.from_json(to_json("m1", weights, [weights], [])).weights
    probability, words = rng.uniform(size=20).round(4), rng.integers(5, 200, 20)
    evidence = weights.curves.evidence(logit_of(probability), bucket_of(words))
    theirs = [applied.evidence(float(p), int(w)) for p, w in zip(probability, words, strict=True)]
    assert theirs == pytest.approx(evidence, abs=2e-3)
    assert applied.log_odds(theirs) == pytest.approx(float(weights.log_odds(evidence.mean(), 20)), abs=1e-2)
    assert applied.buckets == BUCKETS


def test_the_service_estimates_the_same_shares(rng: np.random.Generator) -> None:
    evidence = rng.normal(size=(40, 15)) * 3
    ours = np.stack(shares(evidence, 0.3), axis=1)
    theirs = [share_of(list(row), 0.3) for row in evidence]
    np.testing.assert_allclose(ours, [[one.value, one.low, one.high] for one in theirs], atol=0.011)


def test_a_bundle_is_fitted_and_measured_on_labelled_sets(data_dir: Path, bundle_dir: Path, tmp_path: Path) -> None:
    said: list[str] = []
    table = timelines(TimelineOptions(data_dir, bundle_dir, fit=tmp_path), said.append)
    assert "| all | whole posts | 5 |" in table
    weighing = Weighing.from_json((tmp_path / "timeline.json").read_text())
    assert weighing.model_version in said[-1]
    assert len(weighing.resampled) == 24
    figures = json.loads((tmp_path / "timeline.json").read_text())["figures"]
    assert {figure["posts"] for figure in figures} >= {1, 2, 5, 10}


def test_a_file_in_no_directory_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        timelines(TimelineOptions(tmp_path, fit=tmp_path / "nowhere" / "timeline.json"))
