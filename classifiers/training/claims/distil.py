"""Distils a sentence encoder into a `WordEncoder`, whose weighted sums of word vectors imitate its embeddings.

The student learns from any short texts, unlabelled: to reproduce the teacher's embedding through a projection that is
then discarded, the teacher's cosines within a batch, and its order of neighbours (Reimers & Gurevych 2020,
arXiv:2004.09813, for the first). Words begin with the weights of smooth inverse frequency (Arora et al. 2017).
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classifiers.claims.encoder import MOST_WORDS, WordEncoder, quantised
from classifiers.claims.words import plain, words

_MOST_VOCABULARY, _FEWEST, _BUCKETS = 60_000, 4, 8192
_BATCH, _TEMPERATURE = 1024, 0.05
_RATES = (3e-3, 1e-2, 1e-3)  # vectors, weights, projection
_COSINES, _NEIGHBOURS = 10.0, 0.3
_RARE = 1e-3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Distillation:
    """How to distil: dimensions, and how often each text is seen."""

    size: int = 256
    epochs: int = 8
    seed: int = 0


class _Student(nn.Module):
    def __init__(self, weights: Tensor, size: int, teacher: int) -> None:
        super().__init__()
        self.rows = nn.EmbeddingBag(len(weights), size, mode="sum")
        nn.init.normal_(self.rows.weight, std=0.05)
        self.weights = nn.Parameter(weights)
        self.up = nn.Linear(size, teacher, bias=False)

    def forward(self, places: Sequence[NDArray[np.int64]]) -> Tensor:
        starts = torch.from_numpy(np.cumsum([0, *(len(of) for of in places[:-1])]))
        flat = torch.from_numpy(np.concatenate(places))
        summed: Tensor = self.rows(flat, starts, per_sample_weights=self.weights[flat].exp())
        return functional.normalize(summed, dim=1)


def distil(
    texts: Sequence[str], targets: NDArray[np.float16], how: Distillation = Distillation(), say: Say = print
) -> WordEncoder:
    """Learn from texts and the teacher's unit embeddings [n, D] of them; ten minutes on one core for 350,000 texts."""
    torch.manual_seed(how.seed)
    of_texts = [words(plain(text))[:MOST_WORDS] or ["?"] for text in texts]
    vocabulary, weights = _vocabulary(of_texts)
    empty = np.zeros((len(weights), 1), np.int8)
    layout = WordEncoder(vocabulary, empty, np.ones(len(weights), np.float32), np.ones(len(weights), np.float32))
    places = [np.array(layout.places(of), np.int64) for of in of_texts]
    student = _Student(torch.from_numpy(weights), how.size, targets.shape[1])
    _train(student, places, targets, how, say)
    rows, scales = quantised(student.rows.weight.detach().numpy())
    return WordEncoder(vocabulary, rows, scales, student.weights.detach().exp().numpy())


def _vocabulary(of_texts: Sequence[Sequence[str]]) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Places of the words that occur in a few texts or more, and the logarithms of all rows' first weights."""
    counts = Counter(word for of in of_texts for word in set(of))
    kept = [word for word, count in counts.most_common(_MOST_VOCABULARY) if count >= _FEWEST]
    weights = np.zeros(len(kept) + _BUCKETS, np.float32)
    weights[: len(kept)] = [math.log(_RARE / (_RARE + counts[word] / len(of_texts))) for word in kept]
    return {word: place for place, word in enumerate(kept)}, weights


def _train(
    student: _Student, places: Sequence[NDArray[np.int64]], targets: NDArray[np.float16], how: Distillation, say: Say
) -> None:
    parts = ([student.rows.weight], [student.weights], [student.up.weight])
    optimiser = torch.optim.Adam(
        [{"params": part, "lr": rate} for part, rate in zip(parts, _RATES, strict=True)], betas=(0.9, 0.99)
    )
    random, started = np.random.default_rng(how.seed), time.monotonic()
    batch = min(_BATCH, len(places))
    of_epoch = len(places) // batch
    steps = how.epochs * of_epoch
    order = random.permutation(len(places))
    for step in range(steps):
        if step and step % of_epoch == 0:
            order = random.permutation(len(places))
        drawn = order[step % of_epoch * batch :][:batch]
        for group, rate in zip(optimiser.param_groups, _RATES, strict=True):
            group["lr"] = rate * min(1.0, (step + 1) / 50) * (1 - step / steps)
        loss = _loss(student, [places[place] for place in drawn], torch.from_numpy(targets[drawn]).float())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 200 == 0:
            say(f"encoder: step {step} of {steps}, loss {loss.item():.3f}, {time.monotonic() - started:.0f} s")


def _loss(student: _Student, places: Sequence[NDArray[np.int64]], target: Tensor) -> Tensor:
    made = student(places)  # [b, D]
    back = 1 - (functional.normalize(student.up(made), dim=1) * target).sum(dim=1).mean()
    itself = torch.eye(len(target), dtype=torch.bool)
    cosines, wanted = made @ made.T, target @ target.T
    apart = functional.mse_loss(cosines[~itself], wanted[~itself])
    near = (wanted / _TEMPERATURE).masked_fill(itself, -1e4).softmax(dim=1)
    order = (cosines / _TEMPERATURE).masked_fill(itself, -1e4).log_softmax(dim=1)
    loss: Tensor = back + _COSINES * apart - _NEIGHBOURS * (near * order).sum(dim=1).mean()
    return loss
