"""Fits and measures the weights for an author's posts, on simulated accounts (see `classifiers.evaluation.accounts`).

Classes have equal weight, within them data sets, within those pools. The fit is on dev rows, the measurement on test
rows:

| part | accounts |
|---|---|
| all | of every set, also those with one class only |
| unseen | of the sets with both classes, each with a fit without that set (the model itself did train on it) |
| a set | of that set |
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.bundle import TIMELINE
from classifiers.calibration.curves import bucket_of, sigmoid
from classifiers.data.rows import Row, load_held_out, select
from classifiers.detector import FEWEST_WORDS, TOO_SHORT, Detector, Document, Reading
from classifiers.errors import InputError
from classifiers.evaluation.accounts import Generator, Pool, World
from classifiers.evaluation.author_weights import Accounts, Weights, fit_curves, fit_weights, logit_of, to_json
from classifiers.labels import AI_GENERATED
from classifiers.metrics import auroc, ece, tpr_at_fpr

COUNTS = (1, 2, 5, 10, 20, 50)
OPENINGS = {"whole posts": 100, "first 20 words": 20}
MIXTURES = (0.25, 0.5, 0.75)

_POOLS, _LARGE = 9, 2  # pools of a class of a set; of these the largest, for accounts of many posts
_FEWEST, _SOME, _MOST = 10, 24, 60  # posts of a pool: at least, of most pools, of large ones
_RESAMPLED = 24
_ACCOUNTS = 600  # of each class and number of posts
_WITHIN = 1.3528  # see `service/moderation/author.py`
_FALSE_RATE = 0.01
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """How well accounts of this many posts are classified; see the module for `part`."""

    part: str
    opening: str
    posts: int
    auroc: float
    tpr: float
    ece: float


@dataclass(frozen=True, slots=True)
class MixedFigure:
    """Accounts with that share of machine-written posts: mean estimate, mean error, share of intervals that hold it."""

    share: float
    posts: int
    estimate: float
    error: float
    covered: float


@dataclass(frozen=True, slots=True)
class TimelineOptions:
    """What to fit and measure; `fit` is the bundle, or file, to write the fit to, if any."""

    data: Path
    bundle: Path | None = None
    heads: Path | None = None
    fit: Path | None = None
    licences: tuple[str, ...] | None = None
    seed: int = 1
    device: str = "cpu"
    threads: int = 1


def timelines(options: TimelineOptions, say: Say = print) -> str:
    """Fit on dev, measure on test, write the fit if asked; the figures as Markdown tables.

    Raises InputError: a bundle or data that can't be used, or a file that can't be written.
    """
    if options.fit and not options.fit.absolute().parent.is_dir():
        raise InputError(f"{options.fit}: its directory doesn't exist; make it, or name another file")
    detector = Detector.load(options.bundle, options.heads, device=options.device, threads=options.threads)
    rng = np.random.default_rng(options.seed)
    dev, test = _worlds(options, detector, rng, say)
    weights = fit(dev, rng)
    say(f"timelines: {weights}")
    figures = [*measure(test, weights, "all", rng), *_unseen(dev, test, rng), *_by_set(test, weights, rng)]
    mixtures = list(_mixtures(test, weights, rng))
    if options.fit:
        resampled = [fit(dev.resampled(rng), rng) for _ in range(_RESAMPLED)]
        measured = [*map(asdict, figures), *map(asdict, mixtures)]
        path = options.fit / TIMELINE if options.fit.is_dir() else options.fit
        path.write_text(to_json(detector.version, weights, resampled, measured) + "\n", encoding="utf-8")
        say(f"timelines: wrote {path} for model {detector.version}")
    return "\n".join((*_table(figures), "", *_mixed_table(mixtures)))


def fit(world: World, rng: Generator) -> Weights:
    """Fit weights to a world. Raises InputError where it lacks one of the classes."""
    curves = fit_curves(world.scored())
    parts = [world.accounts(curves, posts, _ACCOUNTS // 3, rng) for posts in COUNTS]
    return fit_weights(curves, Accounts(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))


def measure(
    world: World, weights: Weights, part: str, rng: Generator, counts: Sequence[int] = COUNTS
) -> Iterator[Figure]:
    """Figures by opening and number of posts, where the world has accounts of both classes."""
    for opening in OPENINGS:
        cut = world.only(opening=opening)
        for posts in counts:
            accounts = cut.accounts(weights.curves, posts, _ACCOUNTS, rng)
            if accounts.machine.size:
                yield _figure([(accounts, weights)], part, opening, posts)


def _unseen(dev: World, test: World, rng: Generator) -> Iterator[Figure]:
    fits = {name: fit(dev.without(name), rng) for name in test.both if dev.without(name).both}
    for opening in OPENINGS:
        for posts in COUNTS:
            found = []
            for name, weights in fits.items():
                own = test.only(dataset=name, opening=opening)
                accounts = own.accounts(weights.curves, posts, _ACCOUNTS // len(fits), rng)
                if accounts.machine.size:
                    found.append((accounts, weights))
            if found:
                yield _figure(found, "unseen", opening, posts)


def _by_set(test: World, weights: Weights, rng: Generator) -> Iterator[Figure]:
    for name in test.both:
        own = test.only(dataset=name)
        yield from measure(own, weights, name, rng, (1, 20))


def _mixtures(world: World, weights: Weights, rng: Generator) -> Iterator[MixedFigure]:
    whole = world.only(opening=next(iter(OPENINGS)))
    for posts in (20, 50):
        for share in MIXTURES:
            evidence = whole.mixed(weights.curves, posts, share, _ACCOUNTS // 2, rng)
            if len(evidence):
                best, low, high = shares(evidence, 1 / (1 + (posts - 1) * weights.correlation))
                truth = round(posts * share) / posts
                covered = float(((low <= truth) & (truth <= high)).mean())
                yield MixedFigure(share, posts, float(best.mean()), float(np.abs(best - truth).mean()), covered)


def shares(evidence: NDArray[np.float64], discount: float) -> tuple[NDArray[np.float64], ...]:
    """Likeliest share of machine-written posts of each account [m, n] with its interval, to the hundredth."""
    grid = np.linspace(0, 1, 101)
    likelihood = discount * np.log1p(np.expm1(evidence)[:, :, None] * grid).sum(1)
    within = likelihood >= likelihood.max(1, keepdims=True) - _WITHIN
    return grid[likelihood.argmax(1)], grid[within.argmax(1)], grid[100 - within[:, ::-1].argmax(1)]


def _figure(found: Sequence[tuple[Accounts, Weights]], part: str, opening: str, posts: int) -> Figure:
    log_odds = np.concatenate([weights.log_odds(accounts.evidence, accounts.posts) for accounts, weights in found])
    machine = np.concatenate([accounts.machine for accounts, _ in found])
    rounded = (
        round(value, 4)
        for value in (
            auroc(machine, log_odds),
            tpr_at_fpr(machine, log_odds, _FALSE_RATE),
            ece(machine, sigmoid(log_odds)),
        )
    )
    return Figure(part, opening, posts, *rounded)


def _worlds(options: TimelineOptions, detector: Detector, rng: Generator, say: Say) -> tuple[World, World]:
    """Dev and test, read by the model."""
    rows = [row for row in load_held_out(options.data, options.licences) if row.ai is not None]
    dev, test = (_chosen(select(rows, split), rng) for split in ("dev", "test"))
    texts = sorted({text for group in (*dev, *test) for text in _openings(group)})
    say(f"timelines: reading {len(texts)} posts")
    readings = dict(zip(texts, detector.score([Document(text) for text in texts], explain=False), strict=True))
    return World(_pools(dev, readings)), World(_pools(test, readings))


def _chosen(rows: Sequence[Row], rng: Generator) -> list[list[Row]]:
    """Some groups of each class of each set, and some rows of each."""
    groups: dict[tuple[str, bool], dict[tuple[str, str], list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row.dataset, bool(row.ai)][row.source, row.generator or ""].append(row)
    chosen = []
    for found in groups.values():
        largest = sorted((group for group in found.values() if len(group) >= _FEWEST), key=len, reverse=True)
        for place, members in enumerate(largest[:_POOLS]):
            most = _MOST if place < _LARGE else _SOME
            chosen.append([members[index] for index in rng.permutation(len(members))[:most]])
    return chosen


def _openings(group: Sequence[Row]) -> Iterator[str]:
    for row in group:
        for words in OPENINGS.values():
            yield _opening(row, words)


def _opening(row: Row, words: int) -> str:
    return " ".join(row.text.split(" ")[:words])


def _pools(groups: Iterable[Sequence[Row]], readings: dict[str, Reading]) -> Iterator[Pool]:
    for group in groups:
        for opening, words in OPENINGS.items():
            found = [readings[_opening(row, words)] for row in group]
            usable = [reading for reading in found if _counts(reading)]
            if usable:
                logit = logit_of([reading.signals[AI_GENERATED].probability for reading in usable])
                bucket = bucket_of([reading.words for reading in usable])
                yield Pool(group[0].dataset, bool(group[0].ai), opening, logit, bucket)


def _counts(reading: Reading) -> bool:
    return reading.words >= FEWEST_WORDS and set(reading.abstain) <= {TOO_SHORT}


def _table(figures: Iterable[Figure]) -> Iterator[str]:
    yield "| accounts | posts cut to | posts | AUROC | TPR at 1 % FPR | ECE |"
    yield "|---|---|---|---|---|---|"
    for f in figures:
        yield f"| {f.part} | {f.opening} | {f.posts} | {f.auroc:.3f} | {f.tpr:.3f} | {f.ece:.3f} |"


def _mixed_table(figures: Iterable[MixedFigure]) -> Iterator[str]:
    yield "| mixed: true share | posts | mean estimate | mean error | 90 % intervals that hold it |"
    yield "|---|---|---|---|---|"
    for f in figures:
        yield f"| {f.share:.2f} | {f.posts} | {f.estimate:.2f} | {f.error:.2f} | {f.covered:.2f} |"
