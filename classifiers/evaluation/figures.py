"""The figures of a bundle, as in reports and cards: plain values for JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from classifiers.errors import InputError
from classifiers.evaluation.redteam import AttackFigure
from classifiers.metrics import Bins

FUSION, SCREEN, LLAMA = "fusion", "screen", "llama"
BRANCHES = (FUSION, SCREEN, LLAMA)
ALL = "all"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """How well one branch detects one label on one slice of the rows.

    `cut` is how rows were sliced (all, words, first, set, domain, generator; in a leave-one-out grid whole or first),
    `part` the slice. `tpr` is the true positive rate at the slice's own 1 % of false positives; `frozen_tpr` and
    `frozen_fpr` are the rates at the threshold that gives 1 % on dev. Intervals (95 %, bootstrap over articles) are
    None where a slice is one article. `ece` and `flagged`, of the fusion on all rows only, are the calibration error
    and the share of negatives given one half or more; both count presumed negatives.
    """

    label: str
    cut: str
    part: str
    split: str
    branch: str
    positives: int
    negatives: int
    auroc: float
    tpr: float
    frozen_tpr: float | None = None
    frozen_fpr: float | None = None
    auroc_interval: Interval | None = None
    tpr_interval: Interval | None = None
    frozen_fpr_interval: Interval | None = None
    ece: float | None = None
    flagged: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A branch's ROC curve for a label."""

    label: str
    branch: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Probabilities of the fusion against the truth, presumed negatives included."""

    label: str
    bins: Bins
    ece: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles (5, 25, 50, 75, 95 %) of a label's probability among rows of one class and word bucket."""

    label: str
    bucket: str
    positive: bool
    rows: int
    quantiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FalseRate:
    """How often the fusion flags negatives of one slice at the dev threshold (95 % interval), and at one half."""

    label: str
    slice: str
    part: str
    rows: int
    rate: float
    interval: Interval
    at_half: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Leave-one-out figures: each part's rows were kept from heads and screen (and from the network, if `base`)."""

    by: str
    version: str
    base: str | None
    settings: Mapping[str, int | float | str]
    figures: tuple[Figure, ...] = ()

    def save(self, path: Path) -> None:
        """Write as one JSON object."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Grid":
        """Read what `save` wrote. Raises InputError for another file."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(f"{path}: not a report of `assay leaveout`: {error}") from error


@dataclass(frozen=True, slots=True)
class FixtureFigure:
    """A label on the committed posts: mean probability of all and of the positive, AUROC where both classes suffice."""

    label: str
    positives: int
    negatives: int
    mean: float
    positive_mean: float | None
    auroc: float | None


@dataclass(frozen=True, slots=True)
class Fixture:
    """Figures of a bundle on the committed posts, which a test checks for the shipped bundle."""

    version: str
    rows: int
    figures: tuple[FixtureFigure, ...]

    def to_json(self) -> str:
        """The figures as one JSON object."""
        return json.dumps(asdict(self), indent=1)

    def save(self, path: Path) -> None:
        """Write them."""
        path.write_text(self.to_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> "Fixture":
        """Read what `save` wrote. Raises InputError for another file."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(f"{path}: not the figures of a fixture; make it with --expect: {error}") from error


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one bundle. `thresholds` are frozen on dev: by label and branch."""

    version: str
    split: str
    per_set: int
    rows: int
    figures: tuple[Figure, ...]
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    spreads: tuple[Spread, ...] = ()
    false_rates: tuple[FalseRate, ...] = ()
    attacks: tuple[AttackFigure, ...] = ()
    grids: tuple[Grid, ...] = ()
    fixture: Fixture | None = None

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(asdict(self), indent=1)

    def of(self, label: str, cut: str) -> list[Figure]:
        """Figures of one label and cut, in order."""
        return [figure for figure in self.figures if (figure.label, figure.cut) == (label, cut)]
