"""Measures detection on a set, domain or generator that neither heads nor screen learned from.

The network's features of all texts are extracted once; then heads and screen are refitted for each fold without its
rows, joined by the shipped fusion's weights, and measured on the fold. With `base`, a network trained without labels,
no part has seen a label of the fold; without, the bundle's own network has, and the grid says so. The network reads the
first window of a text, the screen all of it. Each fold is written when it is done, and not measured again.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.bundle import STARTER, Bundle, load_bundle
from classifiers.data.corpus_labels import Targets
from classifiers.data.folds import By, Fold, leave_one_out
from classifiers.data.rows import Row, load_rows, sample_per_set, select
from classifiers.data.sampling import Sampler
from classifiers.data.weights import intercepts, label_weights
from classifiers.errors import InputError
from classifiers.evaluation.figures import BRANCHES, FUSION, LLAMA, SCREEN, Figure, Grid
from classifiers.evaluation.measures import figure
from classifiers.evaluation.scored_rows import Floats, articles, threshold_above
from classifiers.labels import AI_GENERATED, LABELS
from classifiers.network.backbone import Backbone, fingerprint, load_backbone
from classifiers.network.branch import BUDGET
from classifiers.network.heads import Heads, default_layers
from classifiers.network.tokenizer import load_tokenizer
from classifiers.screen.screen import Screen
from classifiers.text.normalise import word_count
from classifiers.training.assemble import fuse
from classifiers.training.feature_store import Store, extract
from classifiers.training.headfit import FitOptions, fit_heads, stored_logits

FIRST_WORDS = 40
_COLUMN = LABELS.index(AI_GENERATED)
_CUTS = ("whole", "first")
Say = Callable[[str], None]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LeaveOutOptions:
    """A grid to measure: folds `by` set, domain or generator of the sets in `data`.

    Heads and screen learn from `draws` crops; a fold is measured on `per_class` rows of either class, its threshold
    frozen on `dev_per_set` dev rows of each other set. `report` is where the grid is written and resumed, `work`
    where features are kept for further grids (by default leaveout.work next to the report, nowhere without one).
    """

    data: Path
    by: By
    bundle: Path | None = None
    base: Path | None = None
    report: Path | None = None
    work: Path | None = None
    licences: tuple[str, ...] | None = None
    draws: int = 12_000
    per_class: int = 100
    dev_per_set: int = 60
    most_gibibytes: float = 8.0
    seed: int = 1
    device: str = "cpu"

    def settings(self) -> dict[str, int | float | str]:
        """The options that the figures depend on."""
        return {"draws": self.draws, "per class": self.per_class, "dev per set": self.dev_per_set, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class _Read:
    """Texts of rows and their features: what heads and screen learn from or are measured on."""

    rows: Sequence[Row]
    texts: Sequence[str]
    store: Store

    def within(self, texts: set[str]) -> Mask:
        """Mask of rows with these texts [n]."""
        return np.array([row.text in texts for row in self.rows])


_Reader = Callable[[str, Sequence[Row], Sequence[str]], _Read]


@dataclass(frozen=True, slots=True)
class _Corpus:
    """The input of all folds; `held` is each held-out row whole and, from `len(held) / 2` on, cropped.

    The screen's targets and weights are by text to learn from [n, L].
    """

    learn: _Read
    dev: _Read
    held: _Read
    screen_weights: Floats
    intercepts: NDArray[np.int64]


def leave_out(options: LeaveOutOptions, say: Say = print) -> Grid:
    """Measure a grid, resuming its report. Raises InputError for what can't be used."""
    bundle = load_bundle(options.bundle, device=options.device)
    grid = _begun(options, bundle)
    rows = [row for row in load_rows(options.data, options.licences) if row.ai is not None]
    folds = leave_one_out(rows, options.by)
    done = {found.part for found in grid.figures}
    say(f"leaveout: {len(folds)} folds by {options.by}, {len(done)} done already")
    with tempfile.TemporaryDirectory() as spare:
        beside = options.report.parent / "leaveout.work" if options.report else Path(spare)
        read = _reader(options, bundle, options.work or beside, say)
        corpus = _read_all(rows, folds, options, read)
        for number, fold in enumerate(folds, start=1):
            if fold.name not in done:
                grid = replace(grid, figures=(*grid.figures, *_measured(fold, corpus, options, bundle)))
                say(f"leaveout: fold {number} of {len(folds)}, {_line(fold.name, grid)}")
            if options.report:
                grid.save(options.report)
    return grid


def _begun(options: LeaveOutOptions, bundle: Bundle) -> Grid:
    """The grid of the report, if it is of the same bundle and settings, or an empty one."""
    base = options.base.name if options.base else None
    wanted = Grid(options.by, bundle.version, base, options.settings())
    if options.report is None or not options.report.is_file():
        return wanted
    found = Grid.load(options.report)
    if replace(found, figures=()) != wanted:
        raise InputError(
            f"{options.report}: a grid of another bundle, base or settings; remove it or name another file"
        )
    return found


def _read_all(rows: Sequence[Row], folds: Sequence[Fold], options: LeaveOutOptions, read: _Reader) -> _Corpus:
    training = select(rows, "train")
    sampler = Sampler(training, options.seed)
    drawn = [sampler.draw() for _ in range(options.draws)]
    places = [draw.row for draw in drawn]
    dev = sample_per_set(select(rows, "dev"), options.dev_per_set, options.seed)
    held = list({row.text: row for fold in folds for row in _some(fold.held_out, options)}.values())
    return _Corpus(
        learn=read("learn", [training[index] for index in places], [draw.text for draw in drawn]),
        dev=read("dev", dev, [row.text for row in dev]),
        held=read(f"held-{options.by}", [*held, *held], [*(row.text for row in held), *map(_first_words, held)]),
        screen_weights=label_weights(training)[places],
        intercepts=intercepts(training)[places],
    )


def _reader(options: LeaveOutOptions, bundle: Bundle, work: Path, say: Say) -> _Reader:
    """Reads texts with the network that the grid is of."""
    home = options.base or options.bundle or STARTER
    backbone: Backbone = bundle.backbone
    if options.base:
        backbone = load_backbone(options.base, device=options.device)
    tokenizer, mark = load_tokenizer(home), fingerprint(home)

    def read(name: str, rows: Sequence[Row], texts: Sequence[str]) -> _Read:
        nothing = np.zeros((len(texts), len(LABELS)), np.float32)
        store = extract(
            work / name,
            backbone,
            tokenizer,
            texts,
            targets=nothing,
            weights=nothing + 1,
            layers=default_layers(backbone.shape.layers),
            rule=bundle.manifest.window,
            budget=BUDGET,
            most_bytes=int(options.most_gibibytes * 2**30),
            key=f"{mark} {bundle.manifest.window}",
            say=say,
        )
        return _Read(rows, texts, store)

    return read


def _some(rows: Sequence[Row], options: LeaveOutOptions) -> Iterator[Row]:
    """At most this many rows of either class, drawn at random."""
    for side in (0.0, 1.0):
        of_class = [row for row in rows if row.ai == side]
        rng = random.Random(options.seed)  # noqa: S311  (not a secret)
        yield from rng.sample(of_class, min(len(of_class), options.per_class))


def _measured(fold: Fold, corpus: _Corpus, options: LeaveOutOptions, bundle: Bundle) -> Iterator[Figure]:
    """Refit heads and screen without the fold's rows; figures of each branch, whole and first words."""
    allowed = {row.text for row in fold.train}
    heads, screen = _refitted(corpus, allowed, options)
    humans = corpus.dev.within(allowed) & np.array([row.ai == 0 for row in corpus.dev.rows])
    dev = _scores(bundle, heads, screen, corpus.dev, humans)
    drawn = {row.text for row in _some(fold.held_out, options)}
    second = np.arange(len(corpus.held.rows)) >= len(corpus.held.rows) // 2
    long = np.array([row.text != text for row, text in zip(corpus.held.rows, corpus.held.texts, strict=True)])
    for cut, wanted in zip(_CUTS, (~second, second & long), strict=True):
        mask = wanted & corpus.held.within(drawn)
        rows = [corpus.held.rows[index] for index in np.flatnonzero(mask).tolist()]
        scores = _scores(bundle, heads, screen, corpus.held, mask)
        truth = np.array([row.ai for row in rows], np.float32)
        for branch in BRANCHES:
            blank = Figure(AI_GENERATED, cut, fold.name, "left out", branch, 0, 0, 0.0, 0.0)
            found = figure(blank, truth, scores[branch], articles(rows), threshold_above(dev[branch]))
            if found is not None:
                yield found


def _refitted(corpus: _Corpus, allowed: set[str], options: LeaveOutOptions) -> tuple[Heads, Screen]:
    """Heads and screen fitted to the allowed texts only, and of labels to authorship only."""
    for part in (corpus.learn, corpus.dev):
        part.store.targets[:] = _goals(part, part.within(allowed))
    heads = fit_heads(corpus.learn.store, corpus.dev.store, FitOptions(seed=options.seed), lambda _: None)
    kept = np.flatnonzero(corpus.learn.within(allowed)).tolist()
    goals = _goals(corpus.learn, corpus.learn.within(allowed))[kept]
    texts = [corpus.learn.texts[index] for index in kept]
    return heads, Screen.fit(texts, goals, corpus.screen_weights[kept], corpus.intercepts[kept])


def _goals(part: _Read, known: Mask) -> Targets:
    goals = np.full((len(part.rows), len(LABELS)), np.nan, np.float32)
    goals[known, _COLUMN] = [row.ai for row, kept in zip(part.rows, known.tolist(), strict=True) if kept]
    return goals


def _scores(bundle: Bundle, heads: Heads, screen: Screen, part: _Read, mask: Mask) -> dict[str, Floats]:
    """Logits of authorship [n] by branch, of the masked texts."""
    texts = [part.texts[index] for index in np.flatnonzero(mask).tolist()]
    with torch.inference_mode():
        llama = stored_logits(heads, part.store, torch.from_numpy(np.flatnonzero(mask))).numpy()
    ngrams = screen.logits(texts)
    fused = fuse(bundle.parts.fusion, llama, ngrams, np.array([word_count(text) for text in texts]))
    return {branch: found[:, _COLUMN] for branch, found in ((FUSION, fused), (SCREEN, ngrams), (LLAMA, llama))}


def _first_words(row: Row) -> str:
    return " ".join(row.text.split(" ")[:FIRST_WORDS])


def _line(name: str, grid: Grid) -> str:
    found = {figure.branch: figure.auroc for figure in grid.figures if (figure.part, figure.cut) == (name, "whole")}
    return f"{name}: " + ", ".join(f"{branch} {value:.3f}" for branch, value in found.items())
