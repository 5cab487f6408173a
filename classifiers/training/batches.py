"""Training batches: cropped texts as tokens, packed in rows of one width, with targets and weights by text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.data.rows import Row, targets
from classifiers.data.sampling import Draw, Sampler
from classifiers.data.weights import intercepts, label_weights
from classifiers.network.packing import PADDING, Rows, rows
from classifiers.network.tokenizer import begin_of
from classifiers.training.teacher import Embeddings

_SURPLUS = 1.15


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens; targets, weights and numbers of intercepts [n, L] of the texts that `rows.segments` numbers.

    `distillation_targets` [n, D] are the teacher's embeddings, zeros where there is none, D being 0 without a teacher.
    """

    rows: Rows
    targets: Tensor
    weights: Tensor
    intercepts: Tensor
    distillation_targets: Tensor

    def to(self, device: str) -> Self:
        """The same on a device."""
        tensors = {
            name: getattr(self, name).to(device)
            for name in ("targets", "weights", "intercepts", "distillation_targets")
        }
        return replace(self, rows=self.rows.to(device), **tensors)


class Batches:
    """An endless stream of batches of `count` rows, `width` tokens each."""

    def __init__(
        self,
        corpus: Sequence[Row],
        tokenizer: Tokenizer,
        *,
        width: int,
        count: int,
        seed: int,
        distillation_targets: Embeddings | None = None,
    ) -> None:
        self.sampler = Sampler(corpus, seed)
        self._tokenizer = tokenizer
        self._begin = begin_of(tokenizer)
        self._width, self._count = width, count
        self._targets = torch.from_numpy(targets(corpus, presume=True))
        self._weights = torch.from_numpy(label_weights(corpus))
        self._intercepts = torch.from_numpy(intercepts(corpus))
        self._distilled = (
            np.zeros((len(corpus), 0), np.float16) if distillation_targets is None else distillation_targets
        )
        self._pending: list[tuple[Draw, list[int]]] = []

    def next(self) -> Batch:
        """Draw until the rows are full; what didn't fit starts the next batch."""
        self._fill()
        self._pending.sort(key=lambda drawn: -len(drawn[1]))
        laid, placed = rows([ids for _, ids in self._pending], self._width, self._count)
        drawn = [self._pending[index][0] for index in placed]
        members = torch.tensor([draw.row for draw in drawn])
        left = set(range(len(self._pending))) - set(placed)
        self._pending = [self._pending[index] for index in sorted(left)]
        return Batch(
            laid, self._targets[members], self._weights[members], self._intercepts[members], self._taught(drawn)
        )

    def _fill(self) -> None:
        tokens = sum(len(ids) for _, ids in self._pending)
        while tokens < self._width * self._count * _SURPLUS:
            drawn = [self.sampler.draw() for _ in range(64)]
            encoded = self._tokenizer.encode_batch_fast([draw.text for draw in drawn], add_special_tokens=False)
            for draw, encoding in zip(drawn, encoded, strict=True):
                ids = [self._begin, *encoding.ids][: self._width]
                self._pending.append((draw, ids))
                tokens += len(ids)

    def _taught(self, drawn: Sequence[Draw]) -> Tensor:
        """The teacher's embeddings of texts drawn whole, zeros for the others."""
        whole = np.array([draw.whole for draw in drawn])[:, None]
        return torch.from_numpy(np.asarray(self._distilled[[draw.row for draw in drawn]]) * whole).float()


def next_tokens(laid: Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Flat places [P] whose next token is in the same text, that token's id [P], and the text's number [P]."""
    same = (laid.segments[:, 1:] == laid.segments[:, :-1]) & (laid.segments[:, 1:] != PADDING)
    places = torch.arange(laid.ids.numel()).view(laid.ids.shape)
    return places[:, :-1][same], laid.ids[:, 1:][same], laid.segments[:, 1:][same]
