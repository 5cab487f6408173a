"""Text in, calibrated signals and evidence out: what a worker and `assay score` call.

Each text is normalised, read by the Llama branch in packs and by the n-gram screen; the fused logits are calibrated by
length. A text beyond the bundle's windows is read in evenly spread windows (`windows`). `Document.context` isn't read
by bundles of format 1: what a post answers to must not be taken for what it says.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers import explain as evidence
from classifiers.branches import LlamaBranch, WindowFinding, joined
from classifiers.bundle import Bundle, load_bundle
from classifiers.calibration import Probabilities
from classifiers.explain import Span
from classifiers.labels import LABELS
from classifiers.text import Normalised, normalise, word_count

TOO_SHORT = "ABSTAINED_TOO_SHORT"
FEWEST_WORDS = 5
_CHUNK = 128
_EXPLAINED = 0.5
_MOST_EXPLAINED = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A text to judge; `context` is what stands around it (parent text, link title, image text)."""

    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """A calibrated probability with its 90 % band, and the fused logit that it was made from."""

    probability: float
    raw: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the detector says of a document.

    `spans` and `surprise` are in UTF-8 bytes of the original text; `surprise` is (start, end, bits) a token.
    `obfuscation` counts what normalisation undid. `abstain` names why the signals should not be relied on, if so.
    """

    signals: Mapping[str, Signal]
    spans: tuple[Span, ...]
    surprise: tuple[tuple[int, int, float], ...]
    obfuscation: Mapping[str, int]
    words: int
    tokens: int
    abstain: tuple[str, ...]


class Detector:
    """A loaded bundle, ready to score. Not thread-safe; one a process."""

    def __init__(self, bundle: Bundle) -> None:
        self._parts = bundle.parts
        self._branch = LlamaBranch(bundle.backbone, bundle.tokenizer, bundle.parts.heads, bundle.manifest.window)
        self.version = bundle.version

    @classmethod
    def load(
        cls, path: Path | None = None, heads: Path | None = None, *, device: str = "cpu", threads: int | None = None
    ) -> Self:
        """Load the shipped starter (no path), a full bundle, or a Llama directory with a heads bundle.

        `threads` sets torch's number of threads for the whole process. Raises BundleError or BackboneError.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        return cls(load_bundle(path, heads, device=device))

    def score(self, documents: Sequence[Document], *, explain: bool = True) -> list[Reading]:
        """Read documents, in the order given; without `explain`, spans and surprise are left empty."""
        chunks = (documents[start : start + _CHUNK] for start in range(0, len(documents), _CHUNK))
        return [reading for chunk in chunks for reading in self._score(chunk, explain=explain)]

    def _score(self, documents: Sequence[Document], *, explain: bool) -> Iterator[Reading]:
        plain = [normalise(document.text) for document in documents]
        texts = [normalised.text for normalised in plain]
        words = np.array([word_count(text) for text in texts])
        found = self._branch.find(texts)
        llama = np.stack([joined(findings) for findings in found])
        screen = self._parts.screen.logits(texts)
        with torch.inference_mode():
            counts = torch.from_numpy(words)
            fused = self._parts.fusion(torch.from_numpy(llama), torch.from_numpy(screen), counts).numpy()
            shares = [part.numpy() for part in self._parts.fusion.shares(counts)]
        calibrated = self._parts.calibration.apply(fused, words)
        for row, document in enumerate(documents):
            signals = _signals(fused[row], calibrated, row)
            spans: tuple[Span, ...] = ()
            surprise: tuple[tuple[int, int, float], ...] = ()
            if explain:
                weights = [part[row] for part in shares]
                spans = self._spans(document.text, plain[row], found[row], signals, weights)
                surprise = _surprise(document.text, plain[row], found[row])
            count = int(words[row])
            tokens = sum(len(finding.window.characters) for finding in found[row])
            abstain = (TOO_SHORT,) if count < FEWEST_WORDS else ()
            yield Reading(signals, spans, surprise, dict(plain[row].undone), count, tokens, abstain)

    def _spans(
        self,
        text: str,
        plain: Normalised,
        found: Sequence[WindowFinding],
        signals: Mapping[str, Signal],
        weights: Sequence[NDArray[np.float32]],
    ) -> tuple[Span, ...]:
        """Passages that moved the likeliest labels, by what both branches made of them."""
        likely = [label for label in LABELS if signals[label].probability >= _EXPLAINED]
        likely.sort(key=lambda label: -signals[label].probability)
        contributions = {}
        for label in likely[:_MOST_EXPLAINED]:
            column = LABELS.index(label)
            ngrams = self._parts.screen.contributions(plain.text, column)
            density = _density(len(plain.text), found, column) * weights[0][column]
            contributions[label] = [
                (start, end, float(weight * weights[1][column] + density[start:end].sum()))
                for start, end, weight in ngrams
            ]
        return evidence.spans(text, plain, contributions)


def _signals(fused: NDArray[np.float32], calibrated: Probabilities, row: int) -> dict[str, Signal]:
    columns = zip(LABELS, calibrated.p[row], fused, calibrated.low[row], calibrated.high[row], strict=True)
    return {label: Signal(float(p), float(raw), float(low), float(high)) for label, p, raw, low, high in columns}


def _density(length: int, found: Sequence[WindowFinding], column: int) -> NDArray[np.float64]:
    """The Llama branch's share of a label's logit at each character of the normalised text [length]."""
    density = np.zeros(length)
    total = sum(max(1, len(finding.window.characters)) for finding in found)
    for finding in found:
        part = max(1, len(finding.window.characters)) / total
        for (start, end), share in zip(finding.window.characters, finding.shares[:, column], strict=True):
            density[start:end] += part * share / max(1, end - start)
    return density


def _surprise(text: str, plain: Normalised, found: Sequence[WindowFinding]) -> tuple[tuple[int, int, float], ...]:
    tokens = [span for finding in found for span in finding.window.characters]
    bits = [float(value) for finding in found for value in finding.bits]
    return evidence.surprise(text, plain, tokens, bits)
