"""Certified thresholds on a bundle's probabilities: two per label, surface and word bucket, each with an error bound.

The lower threshold bounds misses. By conformal risk control (Angelopoulos et al. 2022, arXiv:2208.02814) the expected
share of positives that fall below it is at most alpha, so that posts below it may pass without a person.

The upper threshold bounds false flags. With confidence 1 - delta the share of negatives at or above it is at most
alpha: the exact binomial bound (Clopper & Pearson 1934), tested from the strictest threshold downwards until the first
failure (fixed-sequence testing, Angelopoulos et al. 2021, arXiv:2110.01052), which spends no confidence on the search.
Only at or above it may an automatic action be taken on a post, and never in texts of 20 words or fewer.

Both hold for posts drawn as the held-out rows were, cell by cell; neither covers other posts.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import TypeAdapter, ValidationError

from classifiers.calibration.curves import BUCKETS, bucket_of
from classifiers.labels import LABELS

FORMAT = 1
ANY_SURFACE = "any"
"""The surface of rows without one."""

FIRST_CERTAIN = 2
"""Index of the first word bucket whose texts are long enough to act on: 21 to 40 words."""

STEPS = 10_000
"""Thresholds are multiples of 1 / STEPS: probabilities are reported with four decimals."""

_EVEN = STEPS // 2
_NO_LANGUAGE = frozenset({"", "und", "other"})

Flags = NDArray[np.bool_]
Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cell:
    """Thresholds for one label on texts of one surface and word bucket; None where the rows don't carry the bound.

    `positives` and `negatives` count the rows that the lower and the upper threshold were made from.
    """

    label: str
    surface: str
    bucket: int
    positives: int
    negatives: int
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if self.label not in LABELS or not 0 <= self.bucket <= len(BUCKETS):
            raise ValueError(f"cells: no label {self.label!r} with word bucket {self.bucket}")
        if not all(0 <= value <= 1 for value in (self.lower, self.upper) if value is not None):
            raise ValueError(f"cells: thresholds {self.lower} and {self.upper} are not within 0 to 1")
        if self.upper is not None and self.bucket < FIRST_CERTAIN:
            raise ValueError(f"cells: an upper threshold for word bucket {self.bucket}, whose texts are too short")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The thresholds of one bundle version, and what they were made from.

    A cell needs `positives_needed` positives for a lower threshold and `negatives_needed` negatives for an upper one.
    `languages` lists those with enough rows, `made` is a date as YYYY-MM-DD, and `model_version` is
    empty until `bundle.write_bundle` sets it.
    """

    alpha: float
    delta: float
    data: str
    made: str
    rows: int
    languages: tuple[str, ...]
    surfaces: tuple[str, ...]
    positives_needed: int
    negatives_needed: int
    cells: tuple[Cell, ...]
    model_version: str = ""
    buckets: tuple[int, ...] = BUCKETS
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.buckets != BUCKETS or self.format != FORMAT:
            raise ValueError(f"buckets: format {self.format} with {self.buckets}, not {FORMAT} with {BUCKETS}")
        check_rates(self.alpha, self.delta)

    @classmethod
    def fit(
        cls,
        probabilities: ArrayLike,
        targets: ArrayLike,
        words: ArrayLike,
        *,
        data: str,
        surfaces: Sequence[str] | None = None,
        languages: Sequence[str] = (),
        groups: ArrayLike | None = None,
        selected: ArrayLike | None = None,
        alpha: float = 0.01,
        delta: float = 0.05,
    ) -> Self:
        """Certify calibrated `probabilities` [n, L] by held-out rows: `targets` [n, L] of 0, 1, NaN, `words` [n].

        The rows must not have been used in fitting anything. `surfaces`, `languages` [n] say what each row is (BCP 47;
        empty where unknown). Of rows of one of `groups` [n] (a text and its crops) a cell counts the first. Rows that
        are `selected` [n] were labelled because of their scores: their positives say nothing about missed ones.
        """
        check_rates(alpha, delta)
        count = len(np.asarray(probabilities))
        rows = _Rows(
            steps=np.rint(np.asarray(probabilities, np.float64) * STEPS).astype(np.int64),
            truth=np.asarray(targets, np.float64),
            bucket=bucket_of(words),
            surface=np.array([name or ANY_SURFACE for name in surfaces or [""] * count], dtype=np.str_),
            group=np.arange(count) if groups is None else np.asarray(groups),
            selected=np.zeros(count, bool) if selected is None else np.asarray(selected, bool),
        )
        names = tuple(sorted(set(rows.surface.tolist()))) or (ANY_SURFACE,)
        places = [(label, name, index) for label in LABELS for name in names for index in range(len(BUCKETS) + 1)]
        return cls(
            alpha=alpha,
            delta=delta,
            data=data,
            made=f"{datetime.now(UTC):%Y-%m-%d}",
            rows=count,
            languages=_spoken(languages, negatives_needed(alpha, delta)),
            surfaces=names,
            positives_needed=positives_needed(alpha),
            negatives_needed=negatives_needed(alpha, delta),
            cells=tuple(rows.cell(*place, alpha=alpha, delta=delta) for place in places),
        )

    def of(self, model_version: str) -> Self:
        """The same for a bundle version."""
        return replace(self, model_version=model_version)

    def to_json(self) -> str:
        """Write all of it as one JSON object."""
        return TypeAdapter(type(self)).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            raise ValueError(f"not a certificate, make it again with `assay calibrate`: {error}") from error


@dataclass(frozen=True, slots=True)
class _Rows:
    """Held-out rows, checked: probabilities in `STEPS` [n, L], targets [n, L], the rest [n]."""

    steps: Steps
    truth: NDArray[np.float64]
    bucket: NDArray[np.intp]
    surface: NDArray[np.str_]
    group: NDArray[np.generic]
    selected: Flags

    def __post_init__(self) -> None:
        count = len(self.steps)
        if not self.steps.shape == self.truth.shape == (count, len(LABELS)):
            raise ValueError(
                f"probabilities {self.steps.shape} and targets {self.truth.shape} must be [n, {len(LABELS)}]"
            )
        if {len(self.bucket), len(self.surface), len(self.group), len(self.selected)} != {count}:
            raise ValueError(f"words, surfaces, groups and selected need one value for each of {count} rows")

    def cell(self, label: str, surface: str, bucket: int, *, alpha: float, delta: float) -> Cell:
        column = LABELS.index(label)
        rows = np.flatnonzero((self.surface == surface) & (self.bucket == bucket) & ~np.isnan(self.truth[:, column]))
        rows = rows[np.unique(self.group[rows], return_index=True)[1]]
        hit = self.truth[rows, column] > 0.5
        positives, negatives = rows[hit & ~self.selected[rows]], rows[~hit]
        lower = lower_threshold(self.steps[positives, column], alpha)
        upper = upper_threshold(self.steps[negatives, column], alpha, delta) if bucket >= FIRST_CERTAIN else None
        if lower is not None and upper is not None:
            lower = min(lower, upper)  # a lower threshold misses less
        return Cell(label, surface, bucket, len(positives), len(negatives), lower, upper)


def lower_threshold(positives: Steps, alpha: float) -> float | None:
    """Highest threshold whose expected miss rate is at most `alpha`; None where the positives are too few.

    With n positives of which k fall below it, that is (k + 1) / (n + 1) <= alpha (conformal risk control for a loss of
    at most 1). `positives` are their probabilities in `STEPS`.
    """
    missed = int(alpha * (len(positives) + 1) + 1e-9) - 1
    return float(np.sort(positives)[missed] / STEPS) if missed >= 0 else None


def upper_threshold(negatives: Steps, alpha: float, delta: float) -> float | None:
    """Lowest threshold reached, from 1 down to 0.5, while each flags a share of at most `alpha` with confidence.

    None where even 1 flags too many of the `negatives` (probabilities in `STEPS`), or they are too few.
    """
    thresholds = np.arange(STEPS, _EVEN - 1, -1)
    flagged = len(negatives) - np.searchsorted(np.sort(negatives), thresholds, side="left")
    passed = thresholds[np.logical_and.accumulate(flagged <= most_flagged(len(negatives), alpha, delta))]
    return float(passed[-1] / STEPS) if passed.size else None


def most_flagged(negatives: int, alpha: float, delta: float) -> int:
    """How many of `negatives` may be flagged for the rate to be at most `alpha` with confidence 1 - `delta`; -1: none.

    The largest k with P(Binomial(n, alpha) <= k) <= delta: the rates for which k is less likely than that are outside
    the one-sided Clopper-Pearson interval.
    """
    k = np.arange(1, int(negatives * alpha) + 1)
    ratios = np.log((negatives - k + 1) / k) + np.log(alpha / (1 - alpha))
    chances = np.exp(negatives * np.log1p(-alpha) + np.concatenate([[0.0], np.cumsum(ratios)]))
    return int(np.searchsorted(np.cumsum(chances), delta, side="right")) - 1


def positives_needed(alpha: float) -> int:
    """The fewest positives that allow a lower threshold."""
    return math.ceil(1 / alpha - 1e-9) - 1


def negatives_needed(alpha: float, delta: float) -> int:
    """The fewest negatives that allow an upper threshold, if none is flagged."""
    return math.ceil(math.log(delta) / math.log1p(-alpha))


def check_rates(alpha: float, delta: float) -> None:
    """Raise ValueError unless both are valid rates for a bound."""
    for name, rate in (("alpha", alpha), ("delta", delta)):
        if not 0 < rate < 0.5:
            raise ValueError(f"{name}: {rate} is not above 0 and below 0.5")


def _spoken(languages: Sequence[str], fewest: int) -> tuple[str, ...]:
    """Languages, without regions and scripts, with enough rows."""
    counts = Counter(language.replace("_", "-").partition("-")[0].lower() for language in languages)
    return tuple(sorted(name for name, count in counts.items() if count >= fewest and name not in _NO_LANGUAGE))
