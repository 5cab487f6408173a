"""How good a bundle is on held-out rows: by label, by length and by data set, for the fusion and for each branch alone.

Only what annotators looked for counts (no presumed negatives) in ranking figures. The calibration error takes presumed
negatives in, as calibration does: a probability must also be right on the posts that no one labelled for rare things. A
label with few positives in the split takes dev rows in too (`Figure.split` says so), on which fusion and calibration,
not the branches, were fitted.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.assemble import fuse
from classifiers.branches import LlamaBranch
from classifiers.bundle import Bundle, load_bundle
from classifiers.card import card
from classifiers.corpus_labels import Targets
from classifiers.data import Row, load_rows, sample_per_set, select, targets
from classifiers.figures import BRANCHES, FUSION, LLAMA, SCREEN, Figure
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION
from classifiers.metrics import auroc, bootstrap, ece, tpr_at_fpr
from classifiers.text import word_count

ALL = "all"
CROPS = (20, 40, 80)
_FEWEST_POSITIVES = 30
_FALSE_RATE = 0.01
_ROUNDS = 200
Say = Callable[[str], None]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to evaluate, on at most `per_set` rows of each set; `card` is where to write the model card, if at all."""

    data: Path
    bundle: Path | None = None
    heads: Path | None = None
    split: str = "test"
    per_set: int = 1500
    seed: int = 1
    licences: tuple[str, ...] | None = None
    card: Path | None = None
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of one bundle, by its version."""

    version: str
    rows: int
    figures: tuple[Figure, ...]

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(asdict(self), indent=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows with their truth [n, L] (strict, and with presumed negatives), scores by branch [n, L], probabilities."""

    rows: Sequence[Row]
    truth: Targets
    presumed: Targets
    scores: Mapping[str, Floats]
    probability: Floats


def evaluate(options: EvaluateOptions, say: Say = print) -> Report:
    """Measure a bundle, and write its card if asked. Raises DataError, BundleError or BackboneError."""
    bundle = load_bundle(options.bundle, options.heads, device=options.device)
    corpus = load_rows(options.data, options.licences)
    held_out = sample_per_set(select(corpus, options.split), options.per_set, options.seed)
    reserve = _scarce(select(corpus, "dev"), held_out) if options.split != "dev" else []
    say(f"evaluate: {len(held_out)} {options.split} rows, {len(reserve)} dev rows for scarce labels")
    judged = judge(bundle, [*held_out, *reserve])
    inside = np.arange(len(judged.rows)) < len(held_out)
    figures = [*_by_label(judged, inside, options.split), *_by_set(judged, inside, options.split)]
    for words in CROPS:
        say(f"evaluate: first {words} words")
        figures += _by_length(bundle, held_out, words, options.split)
    report = Report(bundle.version, len(held_out), tuple(figures))
    if options.card:
        options.card.write_text(card(bundle.manifest, report.version, report.figures, per_set=options.per_set))
    return report


def judge(bundle: Bundle, rows: Sequence[Row]) -> Judged:
    """Score rows by each branch and both."""
    texts = [row.text for row in rows]
    words = np.array([word_count(text) for text in texts])
    branch = LlamaBranch(bundle.backbone, bundle.tokenizer, bundle.parts.heads, bundle.manifest.window)
    llama, screen = branch.logits(texts), bundle.parts.screen.logits(texts)
    fused = fuse(bundle.parts.fusion, llama, screen, words)
    return Judged(
        rows,
        targets(rows, presume=False),
        targets(rows, presume=True),
        {FUSION: fused, SCREEN: screen, LLAMA: llama},
        bundle.parts.calibration.apply(fused, words).p,
    )


def _by_label(judged: Judged, inside: NDArray[np.bool_], split: str) -> Iterable[Figure]:
    for column, label in enumerate(LABELS):
        scarce = int((judged.truth[inside, column] == 1).sum()) < _FEWEST_POSITIVES
        kept = np.ones_like(inside) if scarce else inside
        for branch in BRANCHES:
            yield from _figure(judged, kept, label, branch, part=ALL, split=f"dev+{split}" if scarce else split)


def _by_set(judged: Judged, inside: NDArray[np.bool_], split: str) -> Iterable[Figure]:
    names = np.array([row.dataset for row in judged.rows])
    for label in (AI_GENERATED, MISINFORMATION):
        for name in sorted(set(names.tolist())):
            for branch in BRANCHES:
                yield from _figure(judged, inside & (names == name), label, branch, part=name, split=split)


def _by_length(bundle: Bundle, rows: Sequence[Row], words: int, split: str) -> Iterable[Figure]:
    """Figures of the two main labels on the first words of texts that have more."""
    long = [row for row in rows if len(row.text.split(" ")) > words and (row.ai is not None or row.misinfo is not None)]
    if not long:
        return
    judged = judge(bundle, [_opening(row, words) for row in long])
    everything = np.ones(len(long), dtype=bool)
    for label in (AI_GENERATED, MISINFORMATION):
        for branch in BRANCHES:
            name = f"first {words} words"
            yield from _figure(judged, everything, label, branch, part=name, split=split)


def _opening(row: Row, words: int) -> Row:
    return Row(**{**asdict(row), "text": " ".join(row.text.split(" ")[:words])})


def _figure(
    judged: Judged, kept: NDArray[np.bool_], label: str, branch: str, *, part: str, split: str
) -> Iterable[Figure]:
    """The figure of one label, branch and slice, if the slice has both classes."""
    column = LABELS.index(label)
    known = kept & ~np.isnan(judged.truth[:, column])
    truth, scores = judged.truth[known, column], judged.scores[branch][known, column]
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        return
    size, value = (positives, len(truth) - positives), auroc(truth, scores)
    figure = Figure(label, part, split, branch, *size, value, tpr_at_fpr(truth, scores, _FALSE_RATE))
    if branch == FUSION and part == ALL:
        low, high = bootstrap(auroc, truth, scores, rounds=_ROUNDS)
        error, flagged = _trust(judged, kept, column)
        figure = replace(figure, low=low, high=high, ece=error, flagged=flagged)
    yield figure


def _trust(judged: Judged, kept: NDArray[np.bool_], column: int) -> tuple[float, float]:
    """Calibration error, and the share of negatives given one half or more; presumed negatives count."""
    known = kept & ~np.isnan(judged.presumed[:, column])
    truth, probability = judged.presumed[known, column], judged.probability[known, column]
    return ece(truth, probability), float((probability[truth == 0] >= 0.5).mean())


def _scarce(dev: Sequence[Row], held_out: Sequence[Row]) -> list[Row]:
    """Dev rows of sets that annotate a label of which the split has few positives."""
    positives = np.nansum(targets(held_out, presume=False), axis=0)
    known = ~np.isnan(targets(dev, presume=False))
    scarce = (positives > 0) & (positives < _FEWEST_POSITIVES)
    return [row for row, wanted in zip(dev, (known & scarce).any(axis=1).tolist(), strict=True) if wanted]
