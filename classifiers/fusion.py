"""Joins the two branches, the Llama heads and the n-gram screen, by a learned gate per label.

fused = g * a * llama + (1 - g) * b * screen + c, with g = sigmoid(u + v * length) and `length` the standardised
logarithm of the word count: a long text gives the network more to go on than a short one. Five numbers a label, fitted
by maximum likelihood on rows that neither branch was trained on, under a normal prior around "both alike", so that a
label with few rows keeps near to the mean of its branches. Classes are balanced; the prior is calibration's business.
"""

import torch
from torch import Tensor, nn

from classifiers.labels import LABELS

_MEAN_LOG_WORDS, _SPREAD_LOG_WORDS = 3.5, 1.0
_PRIOR = 1.0
_ROWS_A_CLASS = 300.0


class Fusion(nn.Module):
    """Fused logits [n, L]."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(len(LABELS)))
        self.gate_by_length = nn.Parameter(torch.zeros(len(LABELS)))
        self.log_scales = nn.Parameter(torch.zeros(2, len(LABELS)))
        self.bias = nn.Parameter(torch.zeros(len(LABELS)))

    def forward(self, llama: Tensor, screen: Tensor, words: Tensor) -> Tensor:
        """Branch logits [n, L] each and word counts [n] -> [n, L]."""
        heads, ngrams = self.shares(words)
        return heads * llama + ngrams * screen + self.bias

    def shares(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """What a logit of either branch counts: [n, L] each."""
        length = (words.float().clamp_min(1.0).log() - _MEAN_LOG_WORDS) / _SPREAD_LOG_WORDS
        gate = torch.sigmoid(self.gate + length[:, None] * self.gate_by_length)
        return gate * self.log_scales[0].exp(), (1 - gate) * self.log_scales[1].exp()


def fit_fusion(llama: Tensor, screen: Tensor, words: Tensor, targets: Tensor) -> Fusion:
    """Fit on held-out rows; `targets` [n, L] NaN where unknown. A label without both classes keeps the plain mean."""
    fusion = Fusion()
    known = ~targets.isnan()
    weights = _balanced(targets.nan_to_num(), known)
    optimiser = torch.optim.LBFGS(fusion.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = fusion(llama, screen, words)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
        prior = sum((parameter**2).sum() for parameter in fusion.parameters()) * _PRIOR
        loss: Tensor = (losses * weights).sum() + prior
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return fusion.requires_grad_(requires_grad=False)


def _balanced(truth: Tensor, known: Tensor) -> Tensor:
    """Weights [n, L] by which both classes of a label count alike, and no more than a few hundred rows each."""
    weights = torch.zeros_like(truth)
    sizes = torch.stack([(known & (truth == value)).sum(0) for value in (0, 1)])  # [2, L]
    mass = sizes.amin(0).clamp_max(_ROWS_A_CLASS)
    for value in (0, 1):
        weights += (known & (truth == value)) * (mass / sizes[value].clamp_min(1))
    return weights
