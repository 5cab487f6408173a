"""The objectives of a network besides language: labels where known, and a teacher's embeddings."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cosine_similarity

from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

_POLICY_WEIGHT = 0.4
_INTERCEPT_SCALE = 5.0  # Makes intercepts move faster than weights at one learning rate.
_WEIGHTS = torch.tensor([{AI_GENERATED: 1.0, MISINFORMATION: 0.7}.get(label, _POLICY_WEIGHT) for label in LABELS])


def head_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum over labels of the mean cross-entropy over the texts whose label is known; all [n, L]."""
    known = ~targets.isnan()
    losses = binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    mass = (weights * known).sum(0)
    return ((losses * weights * known).sum(0) / mass.clamp_min(1.0) * _WEIGHTS.to(logits.device)).sum()


def distillation_loss(guesses: Tensor, distillation_targets: Tensor) -> Tensor:
    """Mean of one less the cosine of guess and target [n, D], over the texts that have a target (not all zero)."""
    taught = distillation_targets.any(-1)
    return ((1 - cosine_similarity(guesses, distillation_targets, dim=-1)) * taught).sum() / taught.sum().clamp_min(1)


class Intercepts(nn.Module):
    """Intercepts of groups of texts (fixed effects), learned with the heads and discarded (see `weights`)."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(groups, len(LABELS)))

    def forward(self, numbers: Tensor) -> Tensor:
        """The intercepts to add to the logits [n, L] of texts, by their indices [n, L]; 0 where negative."""
        found = self.values.gather(0, numbers.clamp_min(0)) * _INTERCEPT_SCALE
        return found * (numbers >= 0)
