"""Features of texts under a frozen network, kept in memory-mapped files: extracted once, trained on many times.

    pools.npy       float16 [n, K, 2, H]   mean and last of unit-size states, of each layer that heads read
    statistics.npy  float32 [n, S]
    targets.npy     float32 [n, L]         NaN unknown
    weights.npy     float32 [n, L]
    store.json      its source, and how many rows are done

Extraction resumes where it stopped if called again with the same texts and network: rows count as done only once they
are on disk. Disk use is bounded: its size is known before the first row, a store larger than the limit is refused, and
the space is reserved at once.

A query pool isn't stored: its weights depend on the query, which is not learned yet, so it needs the states of every
token, about sixty times as much disk. `lorafit`, which reads the texts anyway, learns one.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.data.corpus_labels import Targets
from classifiers.errors import InputError
from classifiers.labels import LABELS
from classifiers.network.backbone import Backbone
from classifiers.network.heads import LAST, MEAN, Heads, HeadsShape, unit
from classifiers.network.pack_reading import read_pack
from classifiers.network.packing import pack
from classifiers.network.tokenstats import STATISTICS
from classifiers.network.windows import WindowRule, windows
from classifiers.training.pace import Pace

POOLS = (MEAN, LAST)
_CHUNK = 256
Say = Callable[[str], None]
Floats = NDArray[np.float32]


class StoreError(InputError):
    """A store that can't be used or made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _State:
    key: str
    rows: int
    layers: tuple[int, ...]
    hidden_size: int
    done: int = 0

    def arrays(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of each array."""
        by_label = ("<f4", (self.rows, len(LABELS)))
        pools = (self.rows, len(self.layers), len(POOLS), self.hidden_size)
        statistics = (self.rows, len(STATISTICS))
        return {"pools": ("<f2", pools), "statistics": ("<f4", statistics), "targets": by_label, "weights": by_label}

    @property
    def size(self) -> int:
        """Bytes of the arrays."""
        return sum(np.dtype(kind).itemsize * int(np.prod(shape)) for kind, shape in self.arrays().values())


class Store:
    """Memory-mapped arrays of one extraction; see the module for names and shapes."""

    def __init__(self, directory: Path, state: _State, *, new: bool) -> None:
        self.directory, self.state = directory, state
        opened = {name: _open_array(directory / f"{name}.npy", *form, new=new) for name, form in state.arrays().items()}
        self.pools, self.statistics = opened["pools"], opened["statistics"]
        self.targets, self.weights = opened["targets"], opened["weights"]

    def advance(self, done: int) -> None:
        """Note that rows up to `done` are written."""
        for array in (self.pools, self.statistics):
            array.flush()  # type: ignore[attr-defined]
        self.state = replace(self.state, done=done)
        part = self.directory / "store.part"
        part.write_text(json.dumps(asdict(self.state)))
        part.replace(self.directory / "store.json")


def extract(
    directory: Path,
    backbone: Backbone,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    targets: Targets,
    weights: Floats,
    layers: tuple[int, ...],
    rule: WindowRule,
    budget: int,
    most_bytes: int,
    key: str,
    say: Say = print,
) -> Store:
    """Fill (or resume filling) a store with the features of the first window of each text.

    `key` names network and purpose; with the texts it identifies an existing store. Raises
    StoreError if that is another one, or if the store would use more than `most_bytes` or than the disk has.
    """
    store = _open(directory, _State(_key(texts, key), len(texts), layers, backbone.shape.hidden_size), most_bytes)
    store.targets[:], store.weights[:] = targets, weights
    done = store.state.done
    say(f"{directory.name}: {done} of {len(texts)} texts are there, {store.state.size / 1e9:.2f} GB of disk in all")
    pace = Pace(len(texts) - done)
    for start in range(done, len(texts), _CHUNK):
        sequences = first_windows(texts[start : start + _CHUNK], tokenizer, rule)
        for members, pools, statistics in _features(backbone, sequences, layers, budget):
            places = [start + member for member in members]
            store.pools[places], store.statistics[places] = pools, statistics
        store.advance(start + len(sequences))
        pace.advance(len(sequences), sum(map(len, sequences)))
        if pace.due:
            say(f"{directory.name}: {store.state.done} of {len(texts)} texts, {pace.line()}")
    return store


def first_windows(texts: Sequence[str], tokenizer: Tokenizer, rule: WindowRule) -> list[tuple[int, ...]]:
    """Token ids of each text's first window."""
    return [cut[0].ids for cut in windows(texts, tokenizer, WindowRule(rule.tokens, 1))]


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


def _open(directory: Path, wanted: _State, most_bytes: int) -> Store:
    """The store in a directory, if it is the expected one, or a new one."""
    path = directory / "store.json"
    if not path.is_file():
        if wanted.size > most_bytes:
            raise StoreError(
                f"{directory}: features would use {wanted.size:,} bytes, over {most_bytes:,}; use fewer rows"
            )
        directory.mkdir(parents=True, exist_ok=True)
        return Store(directory, wanted, new=True)
    try:
        saved = json.loads(path.read_text())
        found = _State(**{**saved, "layers": tuple(saved["layers"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: unreadable ({error!r}); remove {directory} and extract again") from error
    if found.layers != wanted.layers:
        raise StoreError(f"{directory}: holds layers {found.layers}, not {wanted.layers}; remove it or use another")
    if found.key != wanted.key:
        raise StoreError(f"{directory}: holds features of other texts or of another model; remove it or use another")
    return Store(directory, found, new=False)


def _open_array(path: Path, kind: str, shape: tuple[int, ...], *, new: bool) -> Floats:
    try:
        array: Floats = np.lib.format.open_memmap(path, mode="w+" if new else "r+", dtype=kind, shape=shape)
        if new:
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)  # a full disk would kill at a write
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: {error}; free disk space, or remove {path.parent} and extract again") from error
    if (array.dtype, array.shape) != (np.dtype(kind), shape):
        raise StoreError(f"{path}: has {array.dtype} {array.shape}, not {kind} {shape}; remove {path.parent}")
    return array


def _key(texts: Sequence[str], key: str) -> str:
    digest = hashlib.sha256(key.encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
