"""Packing: many token sequences in one pass without padding.

`pack` concatenates sequences into batches of a token budget; positions start at 0 in each, and attention stays within
each (block-diagonal, causal). `rows` lays them in rows of one width, for training, where a compiled graph wants one
shape; there the few unused places at the end of rows are padding that nothing attends to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

PADDING = -1
"""Segment number of a place without a token."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Concatenated sequences. `members[s]` is the index, among the sequences given, of segment s."""

    ids: Tensor  # [T] int64
    positions: Tensor  # [T] int64, restarting at 0 in each segment
    segments: Tensor  # [T] int64, 0..n-1 rising
    lengths: tuple[int, ...]  # n
    members: tuple[int, ...]  # n


@dataclass(frozen=True, slots=True)
class Rows:
    """Sequences packed in rows of one width; `segments` is PADDING where there is no token."""

    ids: Tensor  # [B, W] int64
    positions: Tensor  # [B, W] int64
    segments: Tensor  # [B, W] int64

    def to(self, device: str) -> Self:
        """The same on a device."""
        return type(self)(self.ids.to(device), self.positions.to(device), self.segments.to(device))

    def mask(self) -> Tensor:
        """Which place may attend to which: bool [B, 1, W, W], within the segment and backwards; padding to itself."""
        same = self.segments[:, :, None] == self.segments[:, None, :]
        causal = torch.ones(same.shape[-2:], dtype=torch.bool, device=same.device).tril()
        return (same & causal)[:, None]


def pack(sequences: Sequence[Sequence[int]], budget: int) -> Iterator[Pack]:
    """Batches of at most `budget` tokens; a longer sequence is alone. Raises ValueError for an empty sequence.

    Sequences of similar length share a pack, which makes the passes even; `Pack.members` identifies them.
    """
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    batch: list[int] = []
    tokens = 0
    for index in order:
        length = len(sequences[index])
        if not length:
            raise ValueError(f"sequence {index} is empty; give it at least its begin token")
        if batch and tokens + length > budget:
            yield _lay(sequences, batch)
            batch, tokens = [], 0
        batch.append(index)
        tokens += length
    if batch:
        yield _lay(sequences, batch)


def rows(sequences: Sequence[Sequence[int]], width: int, count: int) -> tuple[Rows, list[int]]:
    """Lay sequences (each at most `width` long) into `count` rows, first fit.

    Returns also the index, among the sequences given, of each segment; those that didn't fit are left out.
    """
    free = np.full(count, width)
    members: list[list[int]] = [[] for _ in range(count)]
    for index, sequence in enumerate(sequences):
        fitting = np.flatnonzero(free >= len(sequence))
        if len(fitting):
            members[fitting[0]].append(index)
            free[fitting[0]] -= len(sequence)
    laid = np.zeros((3, count, width), dtype=np.int64)
    laid[2] = PADDING
    segment = 0
    for row, indices in enumerate(members):
        start = 0
        for index in indices:
            place = slice(start, start + len(sequences[index]))
            laid[0, row, place] = sequences[index]
            laid[1, row, place] = np.arange(len(sequences[index]))
            laid[2, row, place] = segment
            segment, start = segment + 1, place.stop
    ids, positions, segments = torch.from_numpy(laid)
    return Rows(ids, positions, segments), [index for indices in members for index in indices]


def _lay(sequences: Sequence[Sequence[int]], members: Sequence[int]) -> Pack:
    lengths = [len(sequences[index]) for index in members]
    ids = np.concatenate([np.asarray(sequences[index], dtype=np.int64) for index in members])
    positions = np.concatenate([np.arange(length) for length in lengths])
    segments = np.repeat(np.arange(len(lengths)), lengths)
    tensors = [torch.from_numpy(array) for array in (ids, positions, segments)]
    return Pack(tensors[0], tensors[1], tensors[2], tuple(lengths), tuple(members))
