"""Features of texts under a frozen network, kept in memory-mapped files: extracted once, trained on many times.

    pools.npy       float16 [n, K, 2, H]   mean and last of unit-size states, of each layer that heads read
    statistics.npy  float32 [n, S]
    targets.npy     float32 [n, L]         NaN unknown
    weights.npy     float32 [n, L]
    store.json      what it was made from, and how many rows are done

Extraction resumes where it stopped if called again with the same texts and network. Disk is bounded: its size is known
before the first row and a store larger than the limit is refused.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.backbone import Backbone
from classifiers.corpus_labels import Targets
from classifiers.errors import InputError
from classifiers.heads import LAST, MEAN, Heads, HeadsShape, unit
from classifiers.labels import LABELS
from classifiers.packing import pack
from classifiers.reading import read_pack
from classifiers.tokenstats import STATISTICS
from classifiers.windows import WindowRule, windows

POOLS = (MEAN, LAST)
_CHUNK = 512
Say = Callable[[str], None]


class StoreError(InputError):
    """A store that can't be used or made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _State:
    key: str
    rows: int
    layers: tuple[int, ...]
    hidden_size: int
    done: int = 0


class Store:
    """Memory-mapped arrays of one extraction; see the module for names and shapes."""

    def __init__(self, directory: Path, state: _State) -> None:
        rows, mode = state.rows, "r+" if (directory / "pools.npy").is_file() else "w+"
        self.directory, self.state = directory, state

        def open_array(name: str, kind: str, *shape: int) -> NDArray[np.float32]:
            path = directory / f"{name}.npy"
            array: NDArray[np.float32] = np.lib.format.open_memmap(path, mode=mode, dtype=kind, shape=(rows, *shape))
            return array

        self.pools = open_array("pools", "float16", len(state.layers), len(POOLS), state.hidden_size)
        self.statistics = open_array("statistics", "float32", len(STATISTICS))
        self.targets = open_array("targets", "float32", len(LABELS))
        self.weights = open_array("weights", "float32", len(LABELS))

    def advance(self, done: int) -> None:
        """Note that rows up to `done` are written."""
        for array in (self.pools, self.statistics):
            array.flush()  # type: ignore[attr-defined]
        self.state = _State(**{**asdict(self.state), "done": done})
        (self.directory / "store.json").write_text(json.dumps(asdict(self.state)))


def extract(
    directory: Path,
    backbone: Backbone,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    targets: Targets,
    weights: NDArray[np.float32],
    layers: tuple[int, ...],
    rule: WindowRule,
    budget: int,
    most_bytes: int,
    key: str,
    say: Say = print,
) -> Store:
    """Fill (or go on filling) a store with the features of the first window of each text.

    `key` names network and purpose; with the texts it decides whether a store found there is this one. Raises
    StoreError if it isn't, or if the store would take more than `most_bytes`.
    """
    size = len(texts) * len(layers) * len(POOLS) * backbone.shape.hidden_size * 2
    if size > most_bytes:
        raise StoreError(f"{directory}: features would take {size:,} bytes, over {most_bytes:,}; take fewer rows")
    store = _open(directory, _State(_key(texts, key), len(texts), layers, backbone.shape.hidden_size))
    store.targets[:], store.weights[:] = targets, weights
    first = WindowRule(rule.tokens, 1)
    for start in range(store.state.done, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        sequences = [cut[0].ids for cut in windows(chunk, tokenizer, first)]
        for members, pools, statistics in _features(backbone, sequences, layers, budget):
            places = [start + member for member in members]
            store.pools[places], store.statistics[places] = pools, statistics
        store.advance(start + len(chunk))
        say(f"features: {start + len(chunk)} of {len(texts)}")
    return store


@torch.inference_mode()
def _features(
    backbone: Backbone, sequences: Sequence[Sequence[int]], layers: tuple[int, ...], budget: int
) -> Iterator[tuple[tuple[int, ...], NDArray[np.float32], NDArray[np.float32]]]:
    """Members, pools [n, K, 2, H] and statistics [n, S] of each pack."""
    pooling = Heads(HeadsShape(backbone.shape.hidden_size, layers, POOLS)).to(backbone.output_weight.device)
    for packed in pack(sequences, budget):
        read = read_pack(backbone, packed, layers)
        count = len(packed.lengths)
        by_layer = [pooling.pool(states, read.segments, count) for states in unit(read.states)]
        pools = torch.stack(by_layer, dim=1).view(count, len(layers), len(POOLS), -1)
        yield packed.members, pools.cpu().numpy(), read.statistics.cpu().numpy()


def _open(directory: Path, wanted: _State) -> Store:
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "store.json").is_file():
        for path in directory.glob("*.npy"):
            path.unlink()
        return Store(directory, wanted)
    saved = json.loads((directory / "store.json").read_text())
    found = _State(**{**saved, "layers": tuple(saved["layers"])})
    if (found.key, found.layers) != (wanted.key, wanted.layers):
        raise StoreError(f"{directory}: holds features of other texts or of another model; remove it or take another")
    return Store(directory, found)


def _key(texts: Sequence[str], key: str) -> str:
    digest = hashlib.sha256(key.encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
