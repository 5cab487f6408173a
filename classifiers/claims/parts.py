"""The claim parts of a bundle, in one file (claims.safetensors): word encoder, two rankers, relation classifier.

One ranker was fitted with the bundle's own encoder, the other with a sentence-transformers encoder, both with BM25. The
file is optional: a bundle without it yields signals and matches no claims.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from classifiers.claims.encoder import WordEncoder
from classifiers.claims.ranker import Ranker
from classifiers.claims.relation import Relation

_RANKER = ("center", "scale", "order", "about")
OWN, OTHER = "own", "other"


@dataclass(frozen=True, slots=True)
class ClaimParts:
    """`rankers` for the own encoder and for another one."""

    encoder: WordEncoder
    own_ranker: Ranker
    other_ranker: Ranker
    relation: Relation

    def save(self, path: Path) -> None:
        """Write everything as tensors; the vocabulary as UTF-8 bytes, a line a word."""
        tensors = {
            **_of_encoder(self.encoder),
            **_of_ranker(OWN, self.own_ranker),
            **_of_ranker(OTHER, self.other_ranker),
            **{f"relation.{name}": _narrow(tensor) for name, tensor in self.relation.state_dict().items()},
        }
        sizes = {"features": len(self.relation.center), "pools": len(self.relation.pool_center)}
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"sizes": json.dumps(sizes)})

    @classmethod
    def load(cls, path: Path) -> "ClaimParts":
        """Read what `save` wrote. Raises KeyError, RuntimeError or SafetensorError for another file."""
        with safe_open(path, "pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            sizes = json.loads(file.metadata()["sizes"])
        relation = Relation(sizes["features"], sizes["pools"])
        state = {name.partition(".")[2]: of.float() for name, of in tensors.items() if name.startswith("relation.")}
        relation.load_state_dict(state, strict=True)
        relation.eval().requires_grad_(requires_grad=False)
        return cls(_encoder(tensors), _ranker(OWN, tensors), _ranker(OTHER, tensors), relation)


def save_encoder(encoder: WordEncoder, path: Path) -> None:
    """Write an encoder alone."""
    save_file(_of_encoder(encoder), path)


def load_encoder(path: Path) -> WordEncoder:
    """Read what `save_encoder` wrote."""
    return _encoder(load_file(path))


def _of_encoder(encoder: WordEncoder) -> dict[str, Tensor]:
    words = sorted(encoder.vocabulary, key=encoder.vocabulary.__getitem__)
    return {
        "encoder.words": torch.from_numpy(np.frombuffer("\n".join(words).encode(), np.uint8).copy()),
        "encoder.rows": torch.from_numpy(encoder.rows),
        "encoder.scales": torch.from_numpy(encoder.scales),
        "encoder.weights": torch.from_numpy(encoder.weights),
    }


def _encoder(tensors: Mapping[str, Tensor]) -> WordEncoder:
    words = tensors["encoder.words"].numpy().tobytes().decode().split("\n")
    arrays = (tensors[f"encoder.{name}"].numpy() for name in ("rows", "scales", "weights"))
    return WordEncoder({word: place for place, word in enumerate(words)}, *arrays)


def _of_ranker(name: str, ranker: Ranker) -> dict[str, Tensor]:
    return {f"ranker.{name}.{part}": torch.from_numpy(getattr(ranker, part)) for part in _RANKER}


def _ranker(name: str, tensors: Mapping[str, Tensor]) -> Ranker:
    return Ranker(*(tensors[f"ranker.{name}.{part}"].numpy() for part in _RANKER))


def _narrow(tensor: Tensor) -> Tensor:
    """Large tables in half precision."""
    return tensor.half() if tensor.numel() > 1 << 16 else tensor
