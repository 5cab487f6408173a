"""A post's relation to a claim: repeats, discusses, rebuts, or is unrelated.

A small network on three views of the pair: numbers that compare the texts and the post's manner towards the claim
(`comparison`), and the Llama network's reading of both (`pairs`), narrowed by a fixed projection. Probabilities are
softened by a temperature. The certificate holds, for the two relations that verdicts act on, the probability from which
at most a share `alpha` of such findings are wrong, with confidence 1 - `delta` (Clopper & Pearson 1934), on held-out
pairs; below it the classifier abstains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifiers.claims.comparison import BUCKETS, Comparison

REPEATS, DISCUSSES, REBUTS, UNRELATED = "repeats", "discusses", "rebuts", "unrelated"
RELATIONS = (REPEATS, DISCUSSES, REBUTS, UNRELATED)
ACTING = (REPEATS, REBUTS)
"""Relations that affect a verdict."""

NEVER = 2.0
"""A threshold that no probability reaches: there were too few pairs for the bound."""

PROJECTED = 128
_MEMBERS, _HIDDEN, _MANNER = 3, 192, 8
_MOST_DEVIATIONS = 4.0
_DROP_MANNER, _DROP_READING = 0.5, 0.3  # shares of pairs trained without, as manner alone identifies a pair


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs in the three views: features [n, F], the grams of each, pools [n, 3 H]."""

    features: Tensor
    grams: tuple[NDArray[np.int64], ...]
    pools: Tensor

    @classmethod
    def of(cls, comparisons: Sequence[Comparison], pools: NDArray[np.float32]) -> "Pairs":
        """The views of compared pairs and what the network read of them."""
        features = np.stack([comparison.features for comparison in comparisons])
        grams = tuple(comparison.grams for comparison in comparisons)
        return cls(torch.from_numpy(features), grams, torch.from_numpy(pools))

    def take(self, places: NDArray[np.intp]) -> "Pairs":
        """The views at `places`."""
        rows = torch.from_numpy(places)
        return Pairs(self.features[rows], tuple(self.grams[place] for place in places), self.pools[rows])


class Member(nn.Module):
    """One network: standardised features [n, F], narrowed reading [n, 128] and grams to logits [n, 4]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.manner = nn.EmbeddingBag(BUCKETS, _MANNER, mode="sum")
        self.from_features = nn.Linear(features, _HIDDEN)
        self.from_manner = nn.Linear(_MANNER, _HIDDEN, bias=False)
        self.from_reading = nn.Linear(PROJECTED, _HIDDEN, bias=False)
        self.mixed = nn.Linear(_HIDDEN, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, len(RELATIONS))
        self.straight = nn.Linear(features, len(RELATIONS))
        self.straight_manner = nn.Linear(_MANNER, len(RELATIONS), bias=False)
        nn.init.normal_(self.manner.weight, std=0.01)

    def forward(self, features: Tensor, reading: Tensor, grams: Sequence[NDArray[np.int64]]) -> Tensor:
        """Logits [n, 4]."""
        manner = self._manner(grams)
        if self.training:
            manner = functional.dropout(manner, 0.2) * _keep(manner, _DROP_MANNER)
            reading = functional.dropout(reading, 0.3) * _keep(reading, _DROP_READING)
        hidden = functional.silu(self.from_features(features) + self.from_manner(manner) + self.from_reading(reading))
        hidden = hidden + functional.silu(self.mixed(functional.dropout(hidden, 0.3, self.training)))
        logits: Tensor = self.out(functional.dropout(hidden, 0.3, self.training))
        together: Tensor = logits + self.straight(features) + self.straight_manner(manner)
        return together

    def _manner(self, grams: Sequence[NDArray[np.int64]]) -> Tensor:
        sizes = [len(of) for of in grams]
        starts = torch.from_numpy(np.cumsum([0, *sizes[:-1]]))
        summed: Tensor = self.manner(torch.from_numpy(np.concatenate(grams)), starts)
        return summed / torch.tensor(sizes, dtype=torch.float32).sqrt()[:, None]


class Relation(nn.Module):
    """Logits [n, 4] in the order of RELATIONS: the mean of a few networks, which differ only by chance."""

    center: Tensor
    scale: Tensor
    pool_center: Tensor
    pool_scale: Tensor
    projection: Tensor
    temperature: Tensor
    thresholds: Tensor

    def __init__(self, features: int, pools: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(Member(features) for _ in range(_MEMBERS))
        for name, value in {
            "center": torch.zeros(features),
            "scale": torch.ones(features),
            "pool_center": torch.zeros(pools),
            "pool_scale": torch.ones(pools),
            "projection": torch.zeros(pools, PROJECTED),
            "temperature": torch.ones(()),
            "thresholds": torch.full((len(ACTING),), NEVER),
        }.items():
            self.register_buffer(name, value)

    def forward(self, pairs: Pairs) -> Tensor:
        """Logits [n, 4]."""
        views = self.views(pairs)
        return torch.stack([member(*views) for member in self.members]).mean(dim=0)

    def views(self, pairs: Pairs) -> tuple[Tensor, Tensor, tuple[NDArray[np.int64], ...]]:
        """A member's input for pairs."""
        features = _held((pairs.features - self.center) / self.scale)
        reading = _held((pairs.pools - self.pool_center) / self.pool_scale) @ self.projection
        return features, reading, pairs.grams

    @torch.inference_mode()
    def probabilities(self, pairs: Pairs) -> NDArray[np.float32]:
        """Calibrated probabilities [n, 4]."""
        found: NDArray[np.float32] = (self(pairs) / self.temperature).softmax(dim=1).numpy()
        return found

    def abstains(self, relation: str, probability: float) -> bool:
        """Whether a relation is one to act on, with a probability below its certificate."""
        return relation in ACTING and probability < float(self.thresholds[ACTING.index(relation)])


def _held(standard: Tensor) -> Tensor:
    return standard.clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)


def _keep(branch: Tensor, rate: float) -> Tensor:
    return (torch.rand(len(branch), 1) >= rate).float()
