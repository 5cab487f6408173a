"""The cheap first stage: two linear models over hashed n-grams. One of the two fused branches.

One reads a text's letters and words; the other its function words alone (`screen.function_words`), for the labels
about authorship and style. Their logits are added: on sets that neither was trained on, both together rank
better than either. Texts must be normalised (`classifiers.text`). The logits are not calibrated: classes are
balanced in training. Only fitting needs scipy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from classifiers.screen.function_words import function_word_view
from classifiers.screen.ngram_model import NgramModel

_LETTERS, _FUNCTION_WORDS = "letters.", "manner."  # the prefixes of the bundle format
_FUNCTION_WORD_RIDGE = 0.3
_FUNCTION_WORD_COUNTS = 2.0  # On left-out sets it ranks better than the letters do.
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Screen:
    """Models of both views; that of function words is for the first labels, as many as it has."""

    letters: NgramModel
    function_words: NgramModel

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        targets: NDArray[np.float32],
        sample_weight: NDArray[np.float32] | None = None,
        groups: NDArray[np.int64] | None = None,
        *,
        styled: int = 2,
        bits: int = 18,
        iterations: int = 60,
    ) -> Self:
        """Fit to normalised texts, see `NgramModel.fit`; function words are read for the first `styled` labels."""
        styles = None if groups is None else groups[:, :styled]
        letters = NgramModel.fit(texts, targets, sample_weight, groups, bits=bits, iterations=iterations)
        told = [function_word_view(text) for text in texts]
        cells = None if sample_weight is None else sample_weight[:, :styled]
        style = NgramModel.fit(
            told, targets[:, :styled], cells, styles, bits=bits, iterations=iterations, ridge=_FUNCTION_WORD_RIDGE
        )
        return cls(letters, style.times(_FUNCTION_WORD_COUNTS))

    @property
    def bias(self) -> NDArray[np.float32]:
        """Constant part of the logits [L]."""
        bias = self.letters.bias.copy()
        bias[: self.function_words.bias.size] += self.function_words.bias
        return bias

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Score texts: float32 [n, L]."""
        logits = self.letters.logits(texts)
        logits[:, : self.function_words.bias.size] += self.function_words.logits(
            [function_word_view(text) for text in texts]
        )
        return logits

    def contributions(self, text: str, label: int) -> list[tuple[int, int, float]]:
        """Share each word of `text` has in a label's logit: (start, end, weight) in characters, in order.

        An n-gram's weight is spread evenly over its characters; a space's share goes to the word before it. Shares sum
        to the logit less the bias. An empty text has no spans.
        """
        words = [match.span() for match in _WORD.finditer(text)]
        weights = np.zeros(len(words))
        for model, view in ((self.letters, text), (self.function_words, function_word_view(text))):
            shares = model.contributions(view, label) if label < model.bias.size else []
            weights[: len(shares)] += [weight for *_, weight in shares]
        return [(start, end, weight) for (start, end), weight in zip(words, weights.tolist(), strict=True)]

    def save(self, path: Path) -> None:
        """Write one safetensors file, in half precision."""
        views = ((_LETTERS, self.letters), (_FUNCTION_WORDS, self.function_words))
        save_file({prefix + name: tensor for prefix, model in views for name, tensor in model.tensors().items()}, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises ValueError for another file."""
        try:
            tensors = load_file(path)
            views = [
                NgramModel.from_tensors(
                    {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
                )
                for prefix in (_LETTERS, _FUNCTION_WORDS)
            ]
        except (ValueError, SafetensorError) as error:
            raise ValueError(f"{path}: not a screen: {error}") from error
        return cls(*views)
