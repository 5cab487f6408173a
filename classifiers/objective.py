"""What heads are trained to: cross-entropy by label over the texts whose label is known."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

_POLICY_WEIGHT = 0.4
_WEIGHTS = torch.tensor([{AI_GENERATED: 1.0, MISINFORMATION: 0.7}.get(label, _POLICY_WEIGHT) for label in LABELS])


def head_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum over labels of the mean cross-entropy over the texts whose label is known; all [n, L]."""
    known = ~targets.isnan()
    losses = binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    mass = (weights * known).sum(0)
    return ((losses * weights * known).sum(0) / mass.clamp_min(1.0) * _WEIGHTS).sum()
