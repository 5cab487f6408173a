"""One measured figure of a bundle, as reports and cards list them."""

from dataclasses import dataclass

FUSION, SCREEN, LLAMA = "fusion", "screen", "llama"
BRANCHES = (FUSION, SCREEN, LLAMA)


@dataclass(frozen=True, slots=True)
class Figure:
    """How well one branch tells one label on one slice.

    `part` is "all", a data set, or "first N words". `tpr` is the true positive rate at 1 % false positives. `low` and
    `high` bound the AUROC (95 %, bootstrap), `ece` is the calibration error of the fusion, `flagged` the share of
    negatives that it gives one half or more; both count presumed negatives and are None for branches and slices.
    """

    label: str
    part: str
    split: str
    branch: str
    positives: int
    negatives: int
    auroc: float
    tpr: float
    low: float | None = None
    high: float | None = None
    ece: float | None = None
    flagged: float | None = None
