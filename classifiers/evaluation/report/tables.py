"""Tables of figures in Markdown: by label and slice, leave-one-out grids, attacks, false flags."""

from collections.abc import Iterable, Mapping, Sequence

from classifiers.evaluation.figures import (
    ALL,
    BRANCHES,
    FUSION,
    LLAMA,
    SCREEN,
    FalseRate,
    Figure,
    Grid,
    Interval,
    Report,
)

CUTS = {
    "words": "By length",
    "first": "By first words",
    "set": "By set",
    "domain": "By domain",
    "generator": "By generator",
}


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows) + "\n"


def by_label(report: Report) -> str:
    """All labels on all rows: ranking, detection at the dev threshold, calibration."""
    head = ["label", "rows (positive)", *BRANCHES, "TPR; FPR at dev's 1 %", "ECE", "flagged"]
    lines = []
    for label, found in _grouped([figure for figure in report.figures if figure.cut == ALL], "label").items():
        fused = found[FUSION]
        trust = [f"{value:.3f}" for value in (fused.ece, fused.flagged) if value is not None]
        lines.append([f"`{label}`", _size(fused), *_branches(found), _frozen(fused), *trust])
    return table(head, lines)


def by_part(report: Report, label: str, cut: str, *, few: int = 0) -> str:
    """One label by the slices of a cut; slices with fewer than `few` rows of either class are left out."""
    found = [figure for figure in report.of(label, cut) if min(figure.positives, figure.negatives) >= few]
    if not found:
        return ""
    head = ["slice", "rows (positive)", *BRANCHES, "TPR; FPR at dev's 1 %"]
    parts = _grouped(found, "part").items()
    return table(head, ([part, _size(of[FUSION]), *_branches(of), _frozen(of[FUSION])] for part, of in parts))


def grid(found: Grid) -> str:
    """A leave-one-out grid: each part held out, whole texts and first 40 words, and the mean over parts."""
    head = [
        f"held-out {found.by}",
        "rows (AI)",
        *BRANCHES,
        "FPR at dev's 1 %",
        *(f"{name}, 40 words" for name in BRANCHES),
    ]
    whole, first = (
        _grouped([figure for figure in found.figures if figure.cut == cut], "part") for cut in ("whole", "first")
    )
    lines = []
    for part, of in whole.items():
        crops = [_short(first[part][branch]) if part in first else "" for branch in BRANCHES]
        lines.append([part, _size(of[FUSION]), *_branches(of), _frozen_fpr(of[FUSION]), *crops])
    means = [f"**{value}**" if value else "" for value in (*_means(whole), "", *_means(first))]
    return table(head, [*lines, ["**mean**", "", *means]])


def grid_words(found: Grid) -> str:
    """The settings of a grid's figures, and its lead and weakest cell, in a paragraph."""
    whole = _grouped([figure for figure in found.figures if figure.cut == "whole"], "part")
    weakest = min((of[FUSION] for of in whole.values()), key=lambda figure: figure.auroc)
    mean = {branch: _mean([of[branch] for of in whole.values()]) for branch in BRANCHES}
    network = (
        f"Heads and screen were refitted without the fold's rows; the network, `{found.base}`, saw no labels."
        if found.base
        else "Heads and screen were refitted without the fold's rows, but the network itself was trained with their "
        "labels, so `llama` and `fusion` are flattered."
    )
    return (
        f"{network} {settings(found.settings)} The Llama branch beats the screen by {mean[LLAMA] - mean[SCREEN]:+.3f} "
        f"AUROC on average, the fusion its better branch by {mean[FUSION] - max(mean[LLAMA], mean[SCREEN]):+.3f}. "
        f"Weakest cell: {weakest.part}, {weakest.auroc:.3f}.\n"
    )


def settings(values: Mapping[str, int | float | str]) -> str:
    """Settings of a run in brackets."""
    return f"({', '.join(f'{name} {value}' for name, value in values.items())})"


def false_flags(rates: Sequence[FalseRate]) -> str:
    """How often negatives are flagged, by slice."""
    head = ["slice", "rows", "flagged at dev's 1 %", "flagged at .5"]
    return table(
        head,
        (
            [
                f"{rate.slice}: {rate.part}",
                f"{rate.rows:,}",
                f"{rate.rate:.3f}{_interval(rate.interval)}",
                f"{rate.at_half:.3f}",
            ]
            for rate in rates
        ),
    )


def fixture(report: Report) -> str:
    """Figures on the committed posts."""
    if report.fixture is None:
        return ""
    head = ["label", "positive; negative posts", "mean probability", "of the positive", "AUROC"]
    return table(
        head,
        (
            [
                f"`{of.label}`",
                f"{of.positives}; {of.negatives}",
                f"{of.mean:.3f}",
                "" if of.positive_mean is None else f"{of.positive_mean:.3f}",
                "" if of.auroc is None else f"{of.auroc:.3f}",
            ]
            for of in report.fixture.figures
        ),
    )


def _grouped(figures: Iterable[Figure], key: str) -> dict[str, dict[str, Figure]]:
    """Figures by label or part, then by branch."""
    found: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        found.setdefault(getattr(figure, key), {})[figure.branch] = figure
    return found


def _size(figure: Figure) -> str:
    return f"{figure.positives + figure.negatives:,} ({figure.positives:,}), {figure.split}"


def _branches(found: Mapping[str, Figure]) -> list[str]:
    """A cell for each branch; the fusion's with intervals."""
    return [_long(found[branch]) if branch == FUSION else _short(found[branch]) for branch in BRANCHES]


def _long(figure: Figure) -> str:
    return f"{figure.auroc:.3f}{_interval(figure.auroc_interval)}; {figure.tpr:.2f}{_interval(figure.tpr_interval, 2)}"


def _short(figure: Figure) -> str:
    return f"{figure.auroc:.3f}; {figure.tpr:.2f}"


def _frozen(figure: Figure) -> str:
    if figure.frozen_tpr is None:
        return "no dev rows"
    return f"{figure.frozen_tpr:.2f}; {_frozen_fpr(figure)}"


def _frozen_fpr(figure: Figure) -> str:
    if figure.frozen_fpr is None:
        return ""
    return f"{figure.frozen_fpr:.3f}{_interval(figure.frozen_fpr_interval)}"


def _interval(interval: Interval | None, digits: int = 3) -> str:
    return "" if interval is None else f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"


def _means(parts: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    return [_mean_cell([of[branch] for of in parts.values()]) for branch in BRANCHES]


def _mean_cell(figures: Sequence[Figure]) -> str:
    if not figures:
        return ""
    return f"{_mean(figures):.3f}; {sum(figure.tpr for figure in figures) / len(figures):.2f}"


def _mean(figures: Sequence[Figure]) -> float:
    return sum(figure.auroc for figure in figures) / len(figures)
