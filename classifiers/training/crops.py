"""Crops of labelled texts as a frozen network reads them: drawn evenly, cut to a window, features in a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from classifiers.data.rows import DataError, Row, targets
from classifiers.data.sampling import Sampler
from classifiers.data.weights import label_weights
from classifiers.network.backbone import Backbone
from classifiers.network.heads import default_layers
from classifiers.network.windows import WindowRule
from classifiers.training.feature_store import Store, extract, first_windows

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Crops:
    """A store and the token ids of its rows."""

    store: Store
    sequences: Sequence[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Reader:
    """A network, and how it reads; `mark` is its fingerprint. A store may use `most_bytes` of disk."""

    backbone: Backbone
    tokenizer: Tokenizer
    rule: WindowRule
    mark: str
    budget: int
    most_bytes: int

    def read(self, home: Path, rows: Sequence[Row], *, draws: int, seed: int, say: Say) -> Crops:
        """Draw crops of rows and read them, or resume reading, into a store at `home`. Raises StoreError, DataError."""
        if not rows:
            raise DataError(f"{home.name}: no rows to read; --data needs rows of both splits, train and dev")
        sampler = Sampler(rows, seed)
        drawn = [sampler.draw() for _ in range(draws)]
        places, texts = np.array([draw.row for draw in drawn]), [draw.text for draw in drawn]
        store = extract(
            home,
            self.backbone,
            self.tokenizer,
            texts,
            targets=targets(rows, presume=True)[places],
            weights=label_weights(rows)[places],
            layers=default_layers(self.backbone.shape.layers),
            rule=self.rule,
            budget=self.budget,
            most_bytes=self.most_bytes,
            key=f"{self.mark} {self.rule} {seed}",
            say=say,
        )
        return Crops(store, first_windows(texts, self.tokenizer, self.rule))
