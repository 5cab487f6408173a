"""Fits a `Relation`: weighted pairs in, network, temperature and certificate out. Minutes on one core."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifiers.claims.relation import ACTING, NEVER, RELATIONS, Pairs, Relation

_STEPS, _BATCH, _RATE, _DECAY, _SMOOTHING, _WARM = 1900, 128, 2e-3, 1e-2, 0.05, 50
_NARROWEST = 1e-3
_PROJECTED_FROM = 6000  # rows whose pools the projection is made from
ALPHA, DELTA = 0.3, 0.05
"""The certificate: at most this share of acted-on relations wrong, and the probability of more.

Wide, since the held-out pairs are written to mislead, and since no policy acts on a claim without a person.
"""

_FEWEST = 60  # pairs, before a threshold is tested at all: with fewer, a few errors by chance end the search
Labels = NDArray[np.int64]
Weights = NDArray[np.float64]
Views = Callable[[Pairs], tuple[Tensor, Tensor, tuple[NDArray[np.int64], ...]]]


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Pairs, the place of each one's relation in RELATIONS, and how often to draw it."""

    pairs: Pairs
    labels: Labels
    weights: Weights


def fit_relation(labelled: LabelledPairs, held_out: LabelledPairs, seed: int = 0, *, steps: int = _STEPS) -> Relation:
    """Fit on `labelled`; temperature and certificate come from `held_out`, pairs of other claims."""
    torch.manual_seed(seed)
    model = Relation(labelled.pairs.features.shape[1], labelled.pairs.pools.shape[1])
    _standardise(model, labelled.pairs)
    random = np.random.default_rng(seed)
    for member in model.members:
        _train(member, model.views, labelled, random, steps)
    model.eval().requires_grad_(requires_grad=False)
    model.temperature.fill_(_temperature(model(held_out.pairs), torch.from_numpy(held_out.labels)))
    model.thresholds.copy_(torch.tensor(certified(model.probabilities(held_out.pairs), held_out.labels)))
    return model


def certified(probabilities: NDArray[np.float32], labels: Labels) -> list[float]:
    """For each acted-on relation the least probability with a bounded error; tested from the strictest downwards."""
    return [_threshold(probabilities, labels, RELATIONS.index(relation)) for relation in ACTING]


def _threshold(probabilities: NDArray[np.float32], labels: Labels, relation: int) -> float:
    called = probabilities.argmax(axis=1) == relation
    sure, wrong = probabilities[called, relation], labels[called] != relation
    found = NEVER
    for step in np.arange(0.98, 0.28, -0.02):
        there = sure >= step
        if there.sum() < _FEWEST:
            continue  # too few to test
        if upper_bound(int(wrong[there].sum()), int(there.sum())) > ALPHA:
            break
        found = round(float(step), 2)
    return found


def upper_bound(errors: int, of: int) -> float:
    """The share of errors that is exceeded with probability `DELTA` at most, given `errors` among `of`."""
    low, high = errors / of, 1.0
    for _ in range(40):
        share = (low + high) / 2
        if _tail(errors, of, share) > DELTA:
            low = share
        else:
            high = share
    return high


def _tail(errors: int, of: int, share: float) -> float:
    """Probability of at most `errors` among `of` at an error rate `share`."""
    return math.fsum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(errors + 1))


@torch.no_grad()
def _standardise(model: Relation, pairs: Pairs) -> None:
    model.center.copy_(pairs.features.mean(0))
    model.scale.copy_(pairs.features.std(0).clamp_min(_NARROWEST))
    model.pool_center.copy_(pairs.pools.mean(0))
    model.pool_scale.copy_(pairs.pools.std(0).clamp_min(_NARROWEST))
    some = pairs.pools[:: max(1, len(pairs.pools) // _PROJECTED_FROM)]
    standard = ((some - model.pool_center) / model.pool_scale).clamp(-4, 4)
    _, spread, axes = torch.linalg.svd(standard, full_matrices=False)
    count = min(model.projection.shape[1], len(spread))
    narrowed = axes[:count].T / (spread[:count] / len(some) ** 0.5).clamp_min(_NARROWEST)
    model.projection.zero_()
    model.projection[:, :count] = narrowed


def _train(member: nn.Module, views: Views, labelled: LabelledPairs, random: np.random.Generator, steps: int) -> None:
    decayed = [p for name, p in member.named_parameters() if not name.startswith("manner")]
    manner = [p for name, p in member.named_parameters() if name.startswith("manner")]
    groups = [{"params": decayed, "weight_decay": _DECAY}, {"params": manner, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=_RATE, fused=True)
    share = labelled.weights / labelled.weights.sum()
    member.train()
    for step in range(steps):
        drawn = random.choice(len(share), _BATCH, p=share)
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, step / _WARM) * (1 - step / steps)
        logits = member(*views(labelled.pairs.take(drawn)))
        loss = functional.cross_entropy(logits, torch.from_numpy(labelled.labels[drawn]), label_smoothing=_SMOOTHING)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """The divisor of logits, from a grid, for which held-out pairs are likeliest."""
    grid = np.geomspace(0.4, 3.0, 60)
    losses = [float(functional.cross_entropy(logits / float(value), labels)) for value in grid]
    return float(grid[int(np.argmin(losses))])


def weigh(groups: Sequence[str], labels: Labels, of_group: Mapping[str, float]) -> Weights:
    """Weights that give each group that of `of_group`, and the relations within it equal weight."""
    kinds = list(zip(groups, labels.tolist(), strict=True))
    counts = Counter(kinds)
    return np.array([of_group.get(kind[0], 0.0) / counts[kind] for kind in kinds])
