"""Training batches: cropped texts as tokens, laid in rows of one width, with targets and weights by text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from classifiers.data import Row, targets
from classifiers.labels import AI_GENERATED, LABELS
from classifiers.packing import PADDING, Rows, rows
from classifiers.sampling import Sampler
from classifiers.tokenizer import begin_of

_ONE_SIDED_WEIGHT = 0.3
_SURPLUS = 1.15


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens; targets and weights [n, L] of the texts that `rows.segments` numbers."""

    rows: Rows
    targets: Tensor
    weights: Tensor


class Batches:
    """An endless stream of batches of `count` rows, `width` tokens each."""

    def __init__(self, corpus: Sequence[Row], tokenizer: Tokenizer, *, width: int, count: int, seed: int) -> None:
        self.sampler = Sampler(corpus, seed)
        self._tokenizer = tokenizer
        self._begin = begin_of(tokenizer)
        self._width, self._count = width, count
        self._targets = torch.from_numpy(targets(corpus, presume=True))
        self._weights = torch.from_numpy(label_weights(corpus))
        self._pending: list[tuple[int, list[int]]] = []

    def next(self) -> Batch:
        """Draw until the rows are full; what didn't fit opens the next batch."""
        self._fill()
        self._pending.sort(key=lambda drawn: -len(drawn[1]))
        laid, placed = rows([ids for _, ids in self._pending], self._width, self._count)
        members = torch.tensor([self._pending[index][0] for index in placed])
        left = set(range(len(self._pending))) - set(placed)
        self._pending = [self._pending[index] for index in sorted(left)]
        return Batch(laid, self._targets[members], self._weights[members])

    def _fill(self) -> None:
        tokens = sum(len(ids) for _, ids in self._pending)
        while tokens < self._width * self._count * _SURPLUS:
            drawn = [self.sampler.draw() for _ in range(64)]
            encoded = self._tokenizer.encode_batch_fast([text for _, text in drawn], add_special_tokens=False)
            for (index, _), encoding in zip(drawn, encoded, strict=True):
                ids = [self._begin, *encoding.ids][: self._width]
                self._pending.append((index, ids))
                tokens += len(ids)


def next_tokens(laid: Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Flat places [P] whose next token is in the same text, that token's id [P], and the text's number [P]."""
    same = (laid.segments[:, 1:] == laid.segments[:, :-1]) & (laid.segments[:, 1:] != PADDING)
    places = torch.arange(laid.ids.numel()).view(laid.ids.shape)
    return places[:, :-1][same], laid.ids[:, 1:][same], laid.segments[:, 1:][same]


def label_weights(corpus: Sequence[Row]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Loss weights [n, L]: texts of a set with one kind of writer only say more of the set than of its writer."""
    kinds: dict[str, set[float]] = {}
    for row in corpus:
        if row.ai is not None:
            kinds.setdefault(row.dataset, set()).add(row.ai)
    weights = np.ones((len(corpus), len(LABELS)), dtype=np.float32)
    one_sided = [len(kinds.get(row.dataset, ())) == 1 for row in corpus]
    weights[one_sided, LABELS.index(AI_GENERATED)] = _ONE_SIDED_WEIGHT
    return weights
