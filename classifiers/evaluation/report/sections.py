"""The measured sections that a report and a model card share, in Markdown."""

from collections.abc import Iterable, Iterator, Mapping

from classifiers.calibration.certificates import Certificate
from classifiers.data.slices import BUCKET_NAMES
from classifiers.evaluation.figures import Report
from classifiers.evaluation.redteam import table as attack_table
from classifiers.evaluation.report import tables
from classifiers.labels import AI_GENERATED, MISINFORMATION

_MEASURED = """\
AUROC; TPR at 1 % false positives of the rows themselves. The fusion has 95 % intervals, from a bootstrap over articles
(texts whose first 60 letters are alike are one). Thresholds are frozen on dev: the column of dev's 1 % gives the rates
at the threshold that flags 1 % of dev's negatives, FPR with its interval. ECE (15 bins) is of the fused, calibrated
probability, "flagged" the share of negatives that get .5 or more; both count presumed negatives. Measured on {rows:,}
{split} rows, at most {per_set:,} of a set; a label with fewer than 30 positives there takes dev rows in too.
"""
_SEEN = "These sets, domains and generators are in the training data too; unseen ones are below.\n"
_ATTACKS = """\
`ai_generated` under attack, at the threshold that gives 5 % false positives on unattacked texts; `assay redteam`
measures the same on more texts.
"""
_FAIRNESS = """\
Share of negatives flagged at the threshold that gives 1 % on dev. "few different words" and "short sentences" are the
plainest quarter of human texts of 30 words or more: a proxy, and no more, for non-native and inexperienced writers.
Policy labels: harmless posts that mention what the label is about, beside those that don't (presumed negatives count).
"""
_FIXTURE = """\
Posts written for the purpose and kept in the repository (`tests/classifiers/fixture_posts.jsonl`); a test fails if the
shipped bundle gives other figures than these. They are too few to judge a bundle by.
"""
_CERTIFIED = """\
On rows of `{data}`: at most {alpha:.1%} of positives are expected below the lower threshold; with confidence {sure:.0%}
at most {alpha:.1%} of negatives are at or above the upper one. Labels, surfaces and lengths not listed have none.
"""
Pair = tuple[str, str]
Pairs = Iterable[Pair]


def measured(report: Report) -> str:
    """How to read the figures, and the table by label."""
    told = _MEASURED.format(rows=report.rows, split=report.split, per_set=report.per_set)
    return f"{told}\n{tables.by_label(report)}"


def slices(report: Report, *, few: int) -> Iterator[Pair]:
    """Titles and tables of the main labels by length, set, domain, generator; of slices with `few` rows a class."""
    for label in (AI_GENERATED, MISINFORMATION):
        for cut, title in tables.CUTS.items():
            found = tables.by_part(report, label, cut, few=few)
            if found:
                yield f"{title}: `{label}`", found if cut in ("words", "first") else f"{_SEEN}\n{found}"


def grids(report: Report) -> Iterator[Pair]:
    """Titles and tables of the leave-one-out grids."""
    for grid in report.grids:
        if grid.figures:
            yield f"Each {grid.by} left out: `ai_generated`", f"{tables.grid_words(grid)}\n{tables.grid(grid)}"


def attacks(report: Report) -> str:
    """The attack table, or nothing."""
    return f"{_ATTACKS}\n{attack_table(report.attacks)}\n" if report.attacks else ""


def fairness(report: Report, *, worst: int | None = None) -> str:
    """The tables of false flags by label; of each kind of slice the `worst` only, if given."""
    parts = [_FAIRNESS] if report.false_rates else []
    for label in dict.fromkeys(rate.label for rate in report.false_rates):
        rates = [rate for rate in report.false_rates if rate.label == label]
        if worst is not None:
            kinds = dict.fromkeys(rate.slice for rate in rates)
            ranked = sorted(rates, key=lambda rate: -rate.rate)
            rates = [rate for kind in kinds for rate in [one for one in ranked if one.slice == kind][:worst]]
        parts += [f"`{label}`:\n", tables.false_flags(rates)]
    return "\n".join(parts)


def fixture(report: Report) -> str:
    """Figures on the committed posts, or nothing."""
    return f"{_FIXTURE}\n{tables.fixture(report)}" if report.fixture else ""


def ablation(training: Mapping[str, object]) -> str:
    """The table of what training choices were worth, as the manifest keeps it in Markdown."""
    kept = training.get("ablation")
    return f"{kept.rstrip()}\n" if isinstance(kept, str) and kept else ""


def certified(certificate: Certificate | None) -> str:
    """The thresholds that a bundle's certificate covers, or nothing."""
    cells = (
        [cell for cell in certificate.cells if cell.lower is not None or cell.upper is not None] if certificate else []
    )
    if not certificate or not cells:
        return ""
    told = _CERTIFIED.format(alpha=certificate.alpha, sure=1 - certificate.delta, data=certificate.data)
    head = ["label", "surface", "words", "positives; negatives", "lower", "upper"]
    lines = (
        [
            f"`{cell.label}`",
            cell.surface,
            BUCKET_NAMES[cell.bucket],
            f"{cell.positives}; {cell.negatives}",
            *("none" if value is None else f"{value:.4f}" for value in (cell.lower, cell.upper)),
        ]
        for cell in cells
    )
    return f"{told}\n{tables.table(head, lines)}"
