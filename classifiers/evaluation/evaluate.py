"""Evaluates a bundle on held-out rows: by label, length, set, domain and generator, under attack, and for fairness.

Everything is measured for the fusion and for each branch alone, on texts that annotators judged (no presumed negatives)
in ranking figures. The calibration error includes presumed negatives, as calibration does: a probability must also be
right on posts that no one labelled for rare labels. Thresholds are frozen on dev rows. A label with few positives
in the split includes dev rows too (`Figure.split` says so), on which fusion and calibration, not the branches, were
fitted.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.bundle import Bundle, load_bundle
from classifiers.data.rows import Row, load_held_out, sample_per_set, select, targets
from classifiers.data.slices import TALK, by_bucket, by_domain, by_generator, by_set, by_talk, by_writer
from classifiers.detector import Detector
from classifiers.evaluation.card import card
from classifiers.evaluation.figures import ALL, BRANCHES, FalseRate, Figure, Fixture, Grid, Report
from classifiers.evaluation.fixture import measure_fixture
from classifiers.evaluation.measures import curve, false_rates, reliability_of, sliced, spreads, trusted
from classifiers.evaluation.redteam import AttackFigure
from classifiers.evaluation.redteam import measure as measure_attacks
from classifiers.evaluation.scored_rows import Judged, Mask, Thresholds, freeze, judge
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

CROPS = (20, 40, 80)
_FEWEST_POSITIVES = 30
_MAIN = (AI_GENERATED, MISINFORMATION)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to evaluate, on at most `per_set` rows of each set.

    `report` is the directory of the report, `card` the model card's file, `leaveout` reports of `assay leaveout` to
    include, `fixture` posts to measure too and `expect` where their figures go. `attack_rows` of either class are
    attacked, 0 for none.
    """

    data: Path
    bundle: Path | None = None
    heads: Path | None = None
    split: str = "test"
    per_set: int = 1500
    seed: int = 1
    licences: tuple[str, ...] | None = None
    card: Path | None = None
    report: Path | None = None
    leaveout: tuple[Path, ...] = ()
    fixture: Path | None = None
    expect: Path | None = None
    attack_rows: int = 200
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Judged rows of the split and of dev, and masks of both [n]; `reserve` are dev rows of scarce labels."""

    judged: Judged
    held_out: Mask
    dev: Mask
    reserve: Mask
    split: str


def evaluate(options: EvaluateOptions, say: Say = print) -> Report:
    """Measure a bundle, and write report and card if asked. Raises InputError for what can't be used."""
    grids = tuple(Grid.load(path) for path in options.leaveout)
    bundle = load_bundle(options.bundle, options.heads, device=options.device)
    rows = _judged_rows(bundle, options, say)
    thresholds = freeze(_only(rows.judged, rows.dev))
    held_out = _only(rows.judged, rows.held_out)
    everything = np.ones(len(held_out.rows), dtype=bool)
    main = [label for label in _MAIN if _both_classes(held_out, label)]
    say("evaluate: figures")
    figures = [*_by_label(rows, thresholds), *_by_slice(held_out, rows.split, thresholds)]
    for words in CROPS:
        figures += _first_words(bundle, held_out.rows, words, split=rows.split, thresholds=thresholds, say=say)
    report = Report(
        bundle.version,
        options.split,
        options.per_set,
        len(held_out.rows),
        tuple(figures),
        thresholds,
        tuple(curve(held_out, everything, label, branch) for label in main for branch in BRANCHES),
        tuple(reliability_of(held_out, everything, label) for label in main),
        tuple(found for label in main for found in spreads(held_out, everything, label)),
        tuple(_fairness(held_out, thresholds)),
        _attacks(bundle, held_out, options, say),
        grids,
        _fixture(bundle, options),
    )
    _write(report, bundle, options, say)
    return report


def evaluate_fixture(
    posts: Path, model: Path | None = None, heads: Path | None = None, *, expect: Path | None, device: str = "cpu"
) -> Fixture:
    """Measure a bundle on the committed posts alone, and write the figures if asked. Raises InputError."""
    found = measure_fixture(load_bundle(model, heads, device=device), posts)
    if expect:
        found.save(expect)
    return found


def _judged_rows(bundle: Bundle, options: EvaluateOptions, say: Say) -> _Rows:
    corpus = load_held_out(options.data, options.licences)
    held_out = sample_per_set(select(corpus, options.split), options.per_set, options.seed)
    every_dev = select(corpus, "dev") if options.split != "dev" else []
    dev = sample_per_set(every_dev, options.per_set, options.seed)
    sampled = {row.text for row in dev}
    scarce = _scarce(every_dev, held_out)
    extra = [row for row in scarce if row.text not in sampled]
    say(f"evaluate: {len(held_out)} {options.split} rows, {len(dev)} dev rows for thresholds, {len(extra)} for scarce")
    judged = judge(bundle, [*held_out, *dev, *extra], say=say)
    place, wanted = np.arange(len(judged.rows)), {row.text for row in scarce}
    inside = place < len(held_out)
    reserve = ~inside & np.array([row.text in wanted for row in judged.rows])
    in_dev = inside if options.split == "dev" else ~inside & (place < len(held_out) + len(dev))
    return _Rows(judged, inside, in_dev, reserve, options.split)


def _scarce(dev: Sequence[Row], held_out: Sequence[Row]) -> list[Row]:
    """Dev rows of sets that annotate a label with few positives in the split."""
    if not dev:
        return []
    positives = np.nansum(targets(held_out, presume=False), axis=0)
    known = ~np.isnan(targets(dev, presume=False))
    scarce = (positives > 0) & (positives < _FEWEST_POSITIVES)
    return [row for row, wanted in zip(dev, (known & scarce).any(axis=1).tolist(), strict=True) if wanted]


def _by_label(rows: _Rows, thresholds: Thresholds) -> Iterator[Figure]:
    for column, label in enumerate(LABELS):
        truth = rows.judged.truth[rows.held_out, column]
        scarce = int((truth == 1).sum()) < _FEWEST_POSITIVES and rows.split != "dev"
        kept = rows.held_out | rows.reserve if scarce else rows.held_out
        split = f"dev+{rows.split}" if scarce else rows.split
        found = sliced(rows.judged, [(ALL, kept)], label, ALL, split=split, thresholds=thresholds)
        yield from (trusted(figure, rows.judged, kept) for figure in found)


def _by_slice(judged: Judged, split: str, thresholds: Thresholds) -> Iterator[Figure]:
    cuts = {
        "words": by_bucket(judged.words),
        "set": by_set(judged.rows),
        "domain": by_domain(judged.rows),
    }
    for cut, slices in cuts.items():
        listed = list(slices)
        for label in _MAIN:
            yield from sliced(judged, listed, label, cut, split=split, thresholds=thresholds)
    generators = by_generator(judged.rows)
    yield from sliced(judged, generators, AI_GENERATED, "generator", split=split, thresholds=thresholds)


def _first_words(
    bundle: Bundle, rows: Sequence[Row], words: int, *, split: str, thresholds: Thresholds, say: Say
) -> Iterator[Figure]:
    """Figures of the two main labels on the first words of texts that have more."""
    long = [row for row in rows if len(row.text.split(" ")) > words and (row.ai is not None or row.misinfo is not None)]
    if not long:
        return
    say(f"evaluate: first {words} words of {len(long)} texts")
    judged = judge(bundle, long, [" ".join(row.text.split(" ")[:words]) for row in long])
    everything = np.ones(len(long), dtype=bool)
    for label in _MAIN:
        part = [(f"first {words} words", everything)]
        yield from sliced(judged, part, label, "first", split=split, thresholds=thresholds)


def _fairness(judged: Judged, thresholds: Thresholds) -> Iterator[FalseRate]:
    """False flags by who wrote a text (main labels), and by what harmless texts talk about (policy labels)."""
    texts = [row.text for row in judged.rows]
    writers = list(by_writer(judged.rows))
    for label in _MAIN:
        if label in thresholds:
            yield from false_rates(judged, writers, label, thresholds[label]["fusion"], presume=False)
    for label in TALK:
        if label in thresholds:
            talk = (("talk", name, mask) for name, mask in by_talk(label, texts))
            yield from false_rates(judged, talk, label, thresholds[label]["fusion"], presume=True)


def _attacks(bundle: Bundle, judged: Judged, options: EvaluateOptions, say: Say) -> tuple[AttackFigure, ...]:
    """Attacks on some held-out texts of either class."""
    rng = random.Random(options.seed)  # noqa: S311  (not a secret)
    sides = [[row for row in judged.rows if row.ai == side] for side in (0, 1)]
    if not options.attack_rows or not all(sides):
        return ()
    drawn = [row for side in sides for row in rng.sample(side, min(len(side), options.attack_rows))]
    return measure_attacks(Detector(bundle), drawn, say=say)


def _fixture(bundle: Bundle, options: EvaluateOptions) -> Fixture | None:
    return measure_fixture(bundle, options.fixture) if options.fixture else None


def _write(report: Report, bundle: Bundle, options: EvaluateOptions, say: Say) -> None:
    if options.report:
        from classifiers.evaluation.report.pages import write_report  # noqa: PLC0415  (needs the extra `train`)

        write_report(options.report, report, bundle.manifest.name)
        say(f"evaluate: report in {options.report}")
    if options.card:
        options.card.write_text(card(bundle.manifest, report, bundle.parts.certificate))
    if options.expect and report.fixture:
        report.fixture.save(options.expect)


def _both_classes(judged: Judged, label: str) -> bool:
    truth = judged.truth[:, LABELS.index(label)]
    return bool((truth == 0).any() and (truth == 1).any())


def _only(judged: Judged, mask: Mask) -> Judged:
    scores = {branch: found[mask] for branch, found in judged.scores.items()}
    rows = [row for row, kept in zip(judged.rows, mask.tolist(), strict=True) if kept]
    return Judged(rows, judged.truth[mask], judged.presumed[mask], scores, judged.articles[mask], judged.words[mask])
