"""Low-rank adapters on the linear layers of a network (Hu et al. 2021, LoRA, arXiv:2106.09685), as heads read it.

An adapter is trained with the peft library (`lorafit`) and run without it: a `LowRank` layer adds `alpha / rank * up
(down x)` to the frozen layer's output, and only while it is switched on (`Backbone.adapted`). Its weights are never
merged into the network's, since the token statistics are those of the original. An adapter's file is safetensors
with peft's tensor names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from classifiers.errors import InputError

ATTENTION = ("q_proj", "v_proj")
EVERY_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


class AdapterError(InputError):
    """An adapter that can't be trained or doesn't fit its network; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AdapterShape:
    """Rank and scale of an adapter, and the last names of the linear layers that it adapts."""

    rank: int
    alpha: int
    targets: tuple[str, ...] = ATTENTION


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter's tensors by peft's names: `...lora_A.weight` [r, in] and `...lora_B.weight` [out, r]."""

    shape: AdapterShape
    tensors: Mapping[str, Tensor]

    @classmethod
    def load(cls, path: Path, shape: AdapterShape) -> Self:
        """Read a file. Raises AdapterError if it isn't safetensors."""
        try:
            return cls(shape, load_file(path))
        except SafetensorError as error:
            raise AdapterError(f"{path}: not safetensors ({error}); train the adapter again") from error

    def save(self, path: Path) -> None:
        """Write a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in self.tensors.items()}, path)


class LowRank(nn.Module):
    """A frozen linear layer and its update, which is added while `on`."""

    def __init__(self, base: nn.Linear, down: Tensor, up: Tensor, scale: float) -> None:
        super().__init__()
        self.base = base
        self.on = False
        self.down: Tensor
        self.up: Tensor
        self.register_buffer("down", down.to(base.weight))  # [r, in]
        self.register_buffer("up", (up * scale).to(base.weight))  # [out, r]

    def forward(self, values: Tensor) -> Tensor:
        """Values [..., in] -> [..., out]."""
        made: Tensor = self.base(values)
        return made + values @ self.down.T @ self.up.T if self.on else made


def attach(network: nn.Module, adapter: Adapter) -> tuple[LowRank, ...]:
    """Wrap every target layer of the adapter in a switched-off LowRank; returns them.

    Raises AdapterError if its tensors aren't just those of the network's target layers.
    """
    layers = _targets(network, adapter.shape)
    expected = {
        f"{_PREFIX}{name}{end}": shape
        for name, layer in layers.items()
        for end, shape in (
            (_DOWN, (adapter.shape.rank, layer.in_features)),
            (_UP, (layer.out_features, adapter.shape.rank)),
        )
    }
    found = {name: tuple(tensor.shape) for name, tensor in adapter.tensors.items()}
    if found != expected:
        wrong = min(dict(found.items() ^ expected.items()))
        raise AdapterError(
            f"adapter: {wrong} is {found.get(wrong)} where the network needs {expected.get(wrong)}; "
            "give the model that it was trained for, or train it again"
        )
    return tuple(_wrap(network, name, layer, adapter) for name, layer in layers.items())


def _targets(network: nn.Module, shape: AdapterShape) -> dict[str, nn.Linear]:
    """The linear layers that an adapter of this shape changes, by their full names."""
    linear = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    return {name: module for name, module in linear.items() if name.rpartition(".")[2] in shape.targets}


def _wrap(network: nn.Module, name: str, layer: nn.Linear, adapter: Adapter) -> LowRank:
    down, up = (adapter.tensors[f"{_PREFIX}{name}{end}"] for end in (_DOWN, _UP))
    wrapped = LowRank(layer, down, up, adapter.shape.alpha / adapter.shape.rank)
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, wrapped.eval())
    return wrapped
