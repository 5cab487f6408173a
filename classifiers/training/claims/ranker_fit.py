"""Fits a `Ranker` on posts whose claim is known and on posts about none."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from classifiers.claims.index import Candidates
from classifiers.claims.ranker import BASE_RATE, Ranker, about_columns, score_of_nothing

_ORDER_DECAY, _ABOUT_DECAY = 1e-3, 1e-3
_NARROWEST = 1e-6
_SHOWN = 5  # candidates a post whose probability is used
Floats = NDArray[np.float32]


Answered = tuple[Candidates, int]


def fit_ranker(found: Sequence[Answered], copies: Sequence[Answered], strangers: Sequence[Candidates]) -> Ranker:
    """Fit on candidates of posts, each with the place in the index of the claim that the post is about.

    `copies` are those of texts that are a claim word for word: they fit the probability, not the order.
    `strangers` are the candidates of posts that are about no claim.
    """
    known = [(each, answer) for each, answer in found if answer in each.places]
    features = np.concatenate([each.features for each, _ in known])
    center, scale = features.mean(axis=0), features.std(axis=0) + _NARROWEST
    lists = [torch.from_numpy((each.features - center) / scale) for each, _ in known]
    targets = [int(np.flatnonzero(each.places == answer)[0]) for each, answer in known]
    order = _minimised(lists[0].shape[1], lambda weights: _listwise(weights, lists, targets))
    rows, labels, weights = _about_rows([*known, *copies], strangers, center, scale, order)
    about = _minimised(rows.shape[1], lambda logits: _logistic(logits, rows, labels, weights))
    return Ranker(*(np.asarray(part, np.float32) for part in (center, scale, order, about)))


def _about_rows(
    known: Sequence[Answered],
    strangers: Sequence[Candidates],
    center: Floats,
    scale: Floats,
    order: Floats,
) -> tuple[Tensor, Tensor, Tensor]:
    """Columns, labels and weights of each post's first candidates; posts with a claim weigh `BASE_RATE` of all."""
    parts: list[tuple[Floats, Floats, float]] = []
    nothing = score_of_nothing(center, scale, order)
    for each, answer in [*known, *((stranger, -1) for stranger in strangers)]:
        standard = ((each.features - center) / scale).astype(np.float32)
        scores = standard @ order
        first = np.argsort(-scores, kind="stable")[:_SHOWN]
        weight = BASE_RATE / len(known) if answer >= 0 else (1 - BASE_RATE) / max(1, len(strangers))
        columns = about_columns(standard, scores, nothing)[first]
        parts.append((columns, (each.places[first] == answer).astype(np.float32), weight))
    rows = torch.from_numpy(np.concatenate([columns for columns, _, _ in parts]))
    labels = torch.from_numpy(np.concatenate([of for _, of, _ in parts]))
    weights = np.concatenate([np.full(len(of), weight, np.float32) for _, of, weight in parts])
    return rows, labels, torch.from_numpy(weights)


def _listwise(weights: Tensor, lists: Sequence[Tensor], targets: Sequence[int]) -> Tensor:
    losses = [
        functional.cross_entropy((of @ weights)[None], torch.tensor([target]))
        for of, target in zip(lists, targets, strict=True)
    ]
    return torch.stack(losses).mean() + _ORDER_DECAY * weights.square().sum()


def _logistic(logits: Tensor, rows: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    loss = functional.binary_cross_entropy_with_logits(rows @ logits, labels, weights, reduction="sum")
    return loss + _ABOUT_DECAY * BASE_RATE * logits[:-1].square().sum()


def _minimised(size: int, loss: Callable[[Tensor], Tensor]) -> Floats:
    weights = torch.zeros(size, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        value = loss(weights)
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    fitted: Floats = weights.detach().numpy()
    return fitted
