"""Any Llama-architecture network, run over packed sequences. The only file that imports transformers' models.

A `Backbone` walks the layers of transformers' own `LlamaModel` and keeps the hidden states that heads ask for.
Attention is our own, registered through transformers' AttentionInterface: `packed` attends within each
of many concatenated sequences; `rows` takes a mask, for training on rows of one width. A faster kernel can replace
either without other changes.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, cpu, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint
from transformers import AttentionInterface, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from classifiers.errors import InputError
from classifiers.network.lora import Adapter, LowRank, attach

PACKED, ROWS = "assay_packed", "assay_rows"
_SAMPLE = 1 << 20
_MASKED = -1e4


class BackboneError(InputError):
    """A model directory that can't be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a backbone, which heads must fit."""

    hidden_size: int
    layers: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states of one pass: of the requested layers, and the last one after its norm, for the language model."""

    chosen: tuple[Tensor, ...]  # K of [..., H]
    final: Tensor  # [..., H]


def attend_packed(
    module: nn.Module,
    query: Tensor,  # [1, heads, T, D]
    key: Tensor,  # [1, key heads, T, D]
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    lengths: Sequence[int],
    scaling: float | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """Causal attention within each of the concatenated sequences of `lengths`: [1, T, heads, D]."""
    parts = [torch.split(tensor, list(lengths), dim=2) for tensor in (query, key, value)]
    attended = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True)
        for q, k, v in zip(*parts, strict=True)
    ]
    return torch.cat(attended, dim=2).transpose(1, 2), None


def attend_rows(
    module: nn.Module,
    query: Tensor,  # [B, heads, W, D]
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,  # bool [B, 1, W, W]
    *,
    scaling: float = 1.0,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention by mask, as plain products: faster to train on a CPU than the fused kernel's backward pass."""
    repeats = query.shape[1] // key.shape[1]
    key, value = (tensor.repeat_interleave(repeats, dim=1) if repeats > 1 else tensor for tensor in (key, value))
    scores = (query @ key.transpose(-1, -2)) * scaling  # [B, heads, W, W]
    weights = torch.softmax(scores.masked_fill(~attention_mask, _MASKED), dim=-1)
    return (weights @ value).transpose(1, 2).contiguous(), None


logging.disable_progress_bar()  # type: ignore[no-untyped-call]
AttentionInterface.register(PACKED, attend_packed)
AttentionInterface.register(ROWS, attend_rows)


class Backbone(nn.Module):
    """transformers' LlamaModel with its language-model head, walked layer by layer.

    With `checkpointing` a backward pass recomputes each layer instead of keeping its activations.
    """

    def __init__(self, model: LlamaForCausalLM) -> None:
        super().__init__()
        self.model = model
        self.checkpointing = False
        self._adapters: tuple[LowRank, ...] = ()

    @property
    def config(self) -> LlamaConfig:
        """The network's configuration."""
        return self.model.config

    @property
    def shape(self) -> Shape:
        """The shape that heads must fit."""
        return Shape(self.config.hidden_size, self.config.num_hidden_layers, self.config.vocab_size)

    @property
    def output_weight(self) -> Tensor:
        """The language-model head [V, H]."""
        weight: Tensor = self.model.lm_head.weight
        return weight

    def attention(self, name: str) -> None:
        """Choose PACKED or ROWS."""
        self.model.set_attn_implementation(name)

    @property
    def has_adapter(self) -> bool:
        """Whether heads read the adapted network, other than the token statistics."""
        return bool(self._adapters)

    def adapt(self, adapter: Adapter) -> None:
        """Attach a low-rank adapter, switched off. Raises AdapterError if it doesn't fit."""
        self._adapters += attach(self.model, adapter)

    @contextmanager
    def adapted(self) -> Iterator[None]:
        """A context with the adapter switched on; outside, the network is the one that was loaded."""
        for layer in self._adapters:
            layer.on = True
        try:
            yield
        finally:
            for layer in self._adapters:
                layer.on = False

    def forward(
        self,
        ids: Tensor,  # [B, W]
        positions: Tensor,  # [B, W]
        layers: Sequence[int],
        *,
        mask: Tensor | None = None,
        lengths: Sequence[int] = (),
    ) -> States:
        """States after each of `layers` (0 = embeddings, `shape.layers` = after the final norm).

        `mask` is for ROWS, `lengths` for PACKED (then B is 1).
        """
        body = self.model.model
        hidden = body.embed_tokens(ids)  # [B, W, H]
        rotation = body.rotary_emb(hidden, position_ids=positions)
        kept = {0: hidden}
        for number, layer in enumerate(body.layers, start=1):
            context = {"attention_mask": mask, "position_embeddings": rotation, "lengths": lengths}
            if self.checkpointing:
                hidden = checkpoint(layer, hidden, use_reentrant=False, **context)
            else:
                hidden = layer(hidden, **context)
            kept[number] = hidden
        final = kept[len(body.layers)] = body.norm(hidden)
        return States(tuple(kept[layer] for layer in layers), final)


def new_backbone(**config: Any) -> Backbone:
    """A randomly initialised network; `config` are LlamaConfig's fields."""
    return Backbone(LlamaForCausalLM(LlamaConfig(**config)))


def save_backbone(backbone: Backbone, directory: Path) -> None:
    """Write config.json and safetensors in Hugging Face's layout."""
    backbone.model.save_pretrained(directory)


def load_backbone(directory: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Backbone:
    """Load a Hugging Face Llama directory (safetensors, sharded or not), ready for packed inference.

    Weights are bfloat16 by default, float32 on a CPU that has no bfloat16 arithmetic and would crawl.

    Raises BackboneError for a missing file, another architecture, or weights that don't fill the network.
    """
    _check_files(directory)
    loaded: Any = LlamaForCausalLM.from_pretrained(
        directory,
        dtype=dtype or _fastest(device),
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    model, report = loaded
    missing = sorted(report["missing_keys"])
    if missing:
        raise BackboneError(f"{directory}: weights lack {missing[0]!r} and {len(missing) - 1} more; fetch them again")
    backbone = Backbone(model.to(device))
    backbone.attention(PACKED)
    backbone.requires_grad_(requires_grad=False)
    return backbone.eval()


def fingerprint(directory: Path) -> str:
    """Digest of a model directory: configuration, and of each weight file size, first and last MiB.

    It doesn't detect tampering with the middle of a file: it distinguishes models without reading 13 GB.
    """
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for path in sorted(directory.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _fastest(device: str) -> torch.dtype:
    capable = device != "cpu" or cpu.get_capabilities().get("avx512_bf16") or cpu.get_capabilities().get("bf16")
    return torch.bfloat16 if capable else torch.float32


def _check_files(directory: Path) -> None:
    config = directory / "config.json"
    if not config.is_file():
        raise BackboneError(f"{directory}: no config.json; give a Hugging Face model directory")
    kind = json.loads(config.read_text()).get("model_type")
    if kind != "llama":
        raise BackboneError(f"{config}: model_type is {kind!r}; only Llama-architecture models ('llama') fit")
    if not any(directory.glob("*.safetensors")):
        raise BackboneError(f"{directory}: no *.safetensors; convert the weights (pickle files are never loaded)")
