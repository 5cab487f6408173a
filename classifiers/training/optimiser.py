"""The optimiser of training: Muon for the matrices inside the network, AdamW for everything else.

Muon (Jordan et al. 2024; scaled to AdamW's step size as in Liu et al. 2025, arXiv:2502.16982) makes each step of a
matrix near-orthogonal and learns from about half the tokens that AdamW needs. Weights are bfloat16 where the network's
are; the float32 masters are here, as is the whole state, as named tensors for a safetensors file.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_MOMENTUM, _BETAS, _EPSILON = 0.95, (0.9, 0.98), 1e-8
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_RMS = 0.2


class Optimiser:
    """Steps named parameters; those named in `matrices` by Muon, the others by AdamW."""

    def __init__(self, parameters: Iterable[tuple[str, nn.Parameter]], matrices: set[str], decay: float) -> None:
        self._parameters = dict(parameters)
        self._matrices = matrices
        self._decay = decay
        self._steps = 0
        self._state: dict[str, Tensor] = {}
        for name, parameter in self._parameters.items():
            self._state[f"master.{name}"] = parameter.detach().float().clone()
            for moment in ("first",) if name in matrices else ("first", "second"):
                self._state[f"{moment}.{name}"] = torch.zeros_like(parameter, dtype=torch.float32)

    @torch.no_grad()
    def step(self, rate: float, clip: float = 1.0) -> None:
        """One step at a learning rate; gradients are clipped to a joint norm, then cleared."""
        self._steps += 1
        used = [parameter for parameter in self._parameters.values() if parameter.grad is not None]
        nn.utils.clip_grad_norm_(used, clip)
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            master, gradient = self._state[f"master.{name}"], parameter.grad.float()
            update = self._muon(name, gradient) if name in self._matrices else self._adam(name, gradient)
            if parameter.ndim > 1:
                master.mul_(1 - rate * self._decay)
            master.add_(update, alpha=-rate)
            parameter.copy_(master)
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Everything needed to resume."""
        return {**self._state, "steps": torch.tensor(self._steps)}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Load a saved state, and its master weights. Raises KeyError for a state of another network."""
        for name in self._state:
            self._state[name].copy_(state[name])
        self._steps = int(state["steps"])
        for name, parameter in self._parameters.items():
            parameter.copy_(self._state[f"master.{name}"])

    def _muon(self, name: str, gradient: Tensor) -> Tensor:
        momentum = self._state[f"first.{name}"].lerp_(gradient, 1 - _MOMENTUM)
        update = orthogonal(gradient.lerp(momentum, _MOMENTUM))
        size: float = _RMS * max(update.shape) ** 0.5
        return update * size

    def _adam(self, name: str, gradient: Tensor) -> Tensor:
        first = self._state[f"first.{name}"].lerp_(gradient, 1 - _BETAS[0])
        second = self._state[f"second.{name}"].lerp_(gradient**2, 1 - _BETAS[1])
        corrected = (second / (1 - _BETAS[1] ** self._steps)).sqrt_().add_(_EPSILON)
        return first / (1 - _BETAS[0] ** self._steps) / corrected


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest orthogonal matrix, roughly (singular values in .7 to 1.2), by Newton-Schulz steps in bfloat16."""
    a, b, c = _QUINTIC
    wide = matrix.bfloat16() if matrix.shape[0] <= matrix.shape[1] else matrix.bfloat16().T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(_ROUNDS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    found = wide if matrix.shape[0] <= matrix.shape[1] else wide.T
    result: Tensor = found.float()
    return result
