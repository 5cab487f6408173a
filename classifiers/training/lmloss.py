"""Language-model loss and token series in one pass over the logits, a few hundred tokens at a time.

The gradient is computed while the logits are still in cache and kept instead of them, so memory is [T, H] + [V, H]
whatever the vocabulary; the series of `tokenstats` come from the same softmax.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from classifiers.network.tokenstats import TokenSeries

_CHUNK = 256
Chunk = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]


class _LanguageModelLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, fused: Chunk) -> tuple[Tensor, ...]:
        hidden_gradient, weight_gradient = torch.empty_like(hidden), torch.zeros_like(weight, dtype=torch.float32)
        vocabulary = torch.arange(len(weight), device=weight.device)
        columns: list[tuple[Tensor, ...]] = []
        for start in range(0, len(hidden), _CHUNK):
            part = slice(start, start + _CHUNK)
            logits = hidden[part] @ weight.T  # [C, V]
            evaluate = fused if len(logits) == _CHUNK else _chunk
            gradient, *values = evaluate(logits, targets[part], vocabulary)
            hidden_gradient[part] = gradient @ weight
            weight_gradient += gradient.T @ hidden[part]
            columns.append(tuple(values))
        ctx.save_for_backward(hidden_gradient, weight_gradient.to(weight.dtype))
        series = [torch.cat(column) for column in zip(*columns, strict=True)]
        ctx.mark_non_differentiable(*series)
        return (-series[0].mean(), *series)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        scale = gradients[0] / len(hidden_gradient)
        return hidden_gradient * scale, weight_gradient * scale, None, None


def language_model_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, fused: Chunk | None = None
) -> tuple[Tensor, TokenSeries]:
    """Mean negative log-probability (nats) of `targets` [P] from `hidden` [P, H] and `weight` [V, H], and the series.

    `fused` is `compiled_chunk()` where compiling it pays off.
    """
    loss, *series = _LanguageModelLoss.apply(hidden, weight, targets, fused or _chunk)  # type: ignore[no-untyped-call]
    return loss, TokenSeries(*series)


def compiled_chunk() -> Chunk:
    """The softmax, its gradient and the series as one compiled kernel: about five times as fast as step by step."""
    compiled: Chunk = torch.compile(_chunk, dynamic=False)
    return compiled


def _chunk(logits: Tensor, targets: Tensor, vocabulary: Tensor) -> tuple[Tensor, ...]:
    """Gradient of the summed loss by the logits [C, V], and the series in TokenSeries' order, each [C]."""
    dtype, logits = logits.dtype, logits.float()
    is_target = vocabulary == targets[:, None]  # [C, V]
    target = torch.where(is_target, logits, 0.0).sum(-1, keepdim=True)
    log_rank = torch.log1p((logits > target).sum(-1).float())
    peak = logits.amax(-1, keepdim=True)
    log_mass = peak + (logits - peak).exp().sum(-1, keepdim=True).log()
    log_probs = logits - log_mass
    probs = log_probs.exp()
    expected = (probs * log_probs).sum(-1)
    variance = ((probs * log_probs * log_probs).sum(-1) - expected**2).clamp_min(0.0)
    gradient = (probs - is_target.float()).to(dtype)
    return gradient, (target - log_mass)[:, 0], log_rank, expected, variance
