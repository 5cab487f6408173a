"""Joins the two branches, the Llama heads and the n-gram screen, by a gate per label.

fused = scale * (g * llama / spread + (1 - g) * screen / spread) + bias, with g = sigmoid(gate + slope * length),
`length` the standardised logarithm of the word count, and each branch's logits divided by their spread on the rows of
the fit. Fitted by maximum likelihood on rows that neither branch was trained on. These rows are of sets that both were
trained on, where the network always looks the better branch; by style, which differs most from set to
set, it isn't the better one on unseen sets. So a strong prior keeps the gates of authorship and
misinformation near one half: both branches count, wherever a text comes from. Classes are balanced; calibration
corrects the prior odds.
"""

import torch
from torch import Tensor, nn

from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

_MEAN_LOG_WORDS, _SPREAD_LOG_WORDS = 3.5, 1.0
_PRIOR = 0.1
_GATE_PRIOR = torch.tensor([{AI_GENERATED: 40.0, MISINFORMATION: 40.0}.get(label, 2.0) for label in LABELS])
_NARROWEST = 0.1
_ROWS_A_CLASS = 300.0


class Fusion(nn.Module):
    """Fused logits [n, L]."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(len(LABELS)))
        self.gate_by_length = nn.Parameter(torch.zeros(len(LABELS)))
        self.log_scale = nn.Parameter(torch.zeros(len(LABELS)))
        self.bias = nn.Parameter(torch.zeros(len(LABELS)))
        self.spread: Tensor
        self.register_buffer("spread", torch.ones(2, len(LABELS)))

    def forward(self, llama: Tensor, screen: Tensor, words: Tensor) -> Tensor:
        """Branch logits [n, L] each and word counts [n] -> [n, L]."""
        heads, ngrams = self.shares(words)
        return heads * llama + ngrams * screen + self.bias

    def shares(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """The weight of each branch's logit: [n, L] each."""
        length = (words.float().clamp_min(1.0).log() - _MEAN_LOG_WORDS) / _SPREAD_LOG_WORDS
        gate = torch.sigmoid(self.gate + length[:, None] * self.gate_by_length)
        scale = self.log_scale.exp()
        return scale * gate / self.spread[0], scale * (1 - gate) / self.spread[1]

    def prior(self) -> Tensor:
        """Penalty of the parameters' size: minus their log density under normal priors, up to a constant."""
        gates = _GATE_PRIOR * (self.gate**2 + self.gate_by_length**2)
        return gates.sum() + _PRIOR * (self.log_scale**2 + self.bias**2).sum()


def fit_fusion(llama: Tensor, screen: Tensor, words: Tensor, targets: Tensor) -> Fusion:
    """Fit on held-out rows; `targets` [n, L] NaN where unknown. A label without both classes keeps the plain mean."""
    fusion = Fusion()
    fusion.spread.copy_(torch.stack([llama.std(0), screen.std(0)]).clamp_min(_NARROWEST))
    known = ~targets.isnan()
    weights = _balanced(targets.nan_to_num(), known)
    optimiser = torch.optim.LBFGS(fusion.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = fusion(llama, screen, words)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
        loss: Tensor = (losses * weights).sum() + fusion.prior()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return fusion.requires_grad_(requires_grad=False)


def _balanced(truth: Tensor, known: Tensor) -> Tensor:
    """Weights [n, L] that give both classes of a label equal weight, that of a few hundred rows at most."""
    weights = torch.zeros_like(truth)
    sizes = torch.stack([(known & (truth == value)).sum(0) for value in (0, 1)])  # [2, L]
    mass = sizes.amin(0).clamp_max(_ROWS_A_CLASS)
    for value in (0, 1):
        weights += (known & (truth == value)) * (mass / sizes[value].clamp_min(1))
    return weights
