"""Sentence embeddings by an existing encoder: any sentence-transformers directory with mean or first-token pooling.

Loaded from safetensors only, without remote code. With the backbone, the only place that imports transformers.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classifiers.errors import InputError

_MOST_TOKENS = 96
_BATCH = 128


class EncoderError(InputError):
    """A directory that holds no usable encoder; the message says what is missing."""


class SentenceEncoder:
    """A sentence encoder, ready to embed. `size`: dimensions, D. `version`: digest of its weights."""

    def __init__(self, directory: Path, device: str = "cpu") -> None:
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415  (seconds to import, seldom needed)

        self._first = _pools_first_token(directory)
        self._device = device
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
            self._model = AutoModel.from_pretrained(
                directory, dtype=torch.bfloat16, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise EncoderError(f"{directory}: can't be loaded as an encoder: {error}") from error
        self._model.to(device).eval()
        self.size: int = self._model.config.hidden_size
        self.version = _version(directory)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit embeddings [n, D]; texts of similar length are read together, which saves padding."""
        made = np.zeros((len(texts), self.size), np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            made[some] = self._batch([texts[place] for place in some])
        return made

    @torch.inference_mode()
    def _batch(self, texts: list[str]) -> NDArray[np.float32]:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        tokens = {name: tensor.to(self._device) for name, tensor in tokens.items()}
        states: Tensor = self._model(**tokens).last_hidden_state.float()  # [n, T, D]
        mask = tokens["attention_mask"][..., None]
        pooled = states[:, 0] if self._first else (states * mask).sum(1) / mask.sum(1)
        unit: NDArray[np.float32] = torch.nn.functional.normalize(pooled).cpu().numpy()
        return unit


def _version(directory: Path) -> str:
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for weights in sorted(directory.glob("*.safetensors")):
        digest.update(weights.read_bytes())
    return digest.hexdigest()[:16]


def _pools_first_token(directory: Path) -> bool:
    path = directory / "1_Pooling" / "config.json"
    if not path.is_file() or not (directory / "config.json").is_file():
        raise EncoderError(f"{directory}: no sentence-transformers model (config.json and 1_Pooling/config.json)")
    pooling = json.loads(path.read_text())
    first, mean = (bool(pooling.get(f"pooling_mode_{name}")) for name in ("cls_token", "mean_tokens"))
    if first == mean:
        raise EncoderError(f"{path}: only mean or first-token pooling can be used, one of them")
    return first
