"""Text in, calibrated signals and evidence out, for workers and `assay score`.

Each text is normalised, read by the Llama branch in packs and by the n-gram screen; the fused logits are calibrated by
length. A text beyond the bundle's windows is read in evenly spread windows (`windows`). `Document.context` isn't read
by bundles of format 1: what a post replies to must not be taken for its own words.

Every text gets signals; where they should not be relied on, the reading says why in `abstain`:
the text has too few words, or is in a language that the bundle wasn't trained on (`language`).
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
from classifiers.bundle import Bundle, load_bundle
from classifiers.calibration.curves import Probabilities
from classifiers.explain import Contribution, Explanation, Span
from classifiers.labels import LABELS
from classifiers.network.branch import LlamaBranch, WindowFinding, joined, weights
from classifiers.text.language import languages
from classifiers.text.normalise import Normalised, normalise, word_count

TOO_SHORT = "ABSTAINED_TOO_SHORT"
LANGUAGE = "ABSTAINED_LANGUAGE"
FEWEST_WORDS = 5
_CHUNK = 128
_EXPLAINED = 0.5
_MOST_EXPLAINED = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A text to judge; `context` is what surrounds it (parent text, link title, image text), not read so far."""

    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """A calibrated probability with its 90 % band, and the fused logit behind it."""

    probability: float
    raw: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the detector says of a document.

    `explanations` account for the likeliest labels, `surprise` is (start, end, bits) a token; both are in UTF-8 bytes
    of the original text, and empty unless asked for. `obfuscation` counts what normalisation undid. `language` is ISO
    639-1, "und" where none is likely enough. `abstain` says why the signals should not be relied on, if so.
    """

    signals: Mapping[str, Signal]
    explanations: tuple[Explanation, ...]
    surprise: tuple[tuple[int, int, float], ...]
    obfuscation: Mapping[str, int]
    words: int
    tokens: int
    language: str
    abstain: tuple[str, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans of all explanations, heaviest first."""
        spans = (span for explanation in self.explanations for span in explanation.spans)
        return tuple(sorted(spans, key=lambda span: -abs(span.weight)))


class Detector:
    """A loaded bundle, ready to score. Not thread-safe; one a process."""

    def __init__(self, bundle: Bundle) -> None:
        self._parts = bundle.parts
        self._languages = languages(tuple(bundle.manifest.languages))
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
        """Read documents, in the order given; without `explain`, explanations and surprise are left empty."""
        chunks = (documents[start : start + _CHUNK] for start in range(0, len(documents), _CHUNK))
        return [reading for chunk in chunks for reading in self._score(chunk, explain=explain)]

    def _score(self, documents: Sequence[Document], *, explain: bool) -> Iterator[Reading]:
        plain = [normalise(document.text) for document in documents]
        texts = [normalised.text for normalised in plain]
        words = np.array([word_count(text) for text in texts])
        found = self._branch.find(texts, tokens=explain)
        llama = np.stack([joined(findings) for findings in found])
        screen = self._parts.screen.logits(texts)
        with torch.inference_mode():
            counts = torch.from_numpy(words)
            fused = self._parts.fusion(torch.from_numpy(llama), torch.from_numpy(screen), counts).numpy()
            gates = np.stack([part.numpy() for part in self._parts.fusion.shares(counts)], axis=1)  # [n, 2, L]
        calibrated = self._parts.calibration.apply(fused, words)
        for row, document in enumerate(documents):
            signals = _signals(fused[row], calibrated, row)
            why = self._explain(document.text, plain[row], found[row], signals, gates[row]) if explain else ()
            surprise = _surprise(document.text, plain[row], found[row]) if explain else ()
            count, language = int(words[row]), self._languages.find(texts[row])
            tokens = sum(len(finding.window.characters) for finding in found[row])
            abstain = _abstain(count, covered=language.covered)
            undone = dict(plain[row].undone)
            yield Reading(signals, why, surprise, undone, count, tokens, language.language, abstain)

    def _explain(
        self,
        text: str,
        plain: Normalised,
        found: Sequence[WindowFinding],
        signals: Mapping[str, Signal],
        gates: NDArray[np.float32],
    ) -> tuple[Explanation, ...]:
        """Explain the likeliest labels by both branches, each times its gate [2, L]."""
        likely = [label for label in LABELS if signals[label].probability >= _EXPLAINED]
        likely.sort(key=lambda label: -signals[label].probability)
        return tuple(
            evidence.explanation(
                text, plain, label, signals[label].raw, self._shares(plain.text, found, LABELS.index(label), gates)
            )
            for label in likely[:_MOST_EXPLAINED]
        )

    def _shares(
        self, text: str, found: Sequence[WindowFinding], column: int, gates: NDArray[np.float32]
    ) -> Iterator[Contribution]:
        """Shares of passages in a label's fused logit: tokens in the Llama branch, n-grams in the screen."""
        llama, screen = map(float, gates[:, column])
        for finding, part in zip(found, weights(found), strict=True):
            if finding.tokens is not None:
                shares = finding.tokens.shares[:, column].tolist()
                for (start, end), share in zip(finding.window.characters, shares, strict=True):
                    yield start, end, llama * part * share
        for start, end, share in self._parts.screen.contributions(text, column):
            yield start, end, screen * share


def _signals(fused: NDArray[np.float32], calibrated: Probabilities, row: int) -> dict[str, Signal]:
    columns = zip(LABELS, calibrated.p[row], fused, calibrated.low[row], calibrated.high[row], strict=True)
    return {label: Signal(float(p), float(raw), float(low), float(high)) for label, p, raw, low, high in columns}


def _abstain(words: int, *, covered: bool) -> tuple[str, ...]:
    """Why a text's signals should not be relied on. The language of a few words is a guess, so it doesn't count."""
    if words < FEWEST_WORDS:
        return (TOO_SHORT,)
    return () if covered else (LANGUAGE,)


def _surprise(text: str, plain: Normalised, found: Sequence[WindowFinding]) -> tuple[tuple[int, int, float], ...]:
    tokens = [span for finding in found for span in finding.window.characters]
    bits = [float(value) for finding in found if finding.tokens is not None for value in finding.tokens.bits]
    return evidence.surprise(text, plain, tokens, bits)
