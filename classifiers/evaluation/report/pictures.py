"""Pictures of a report, readable on light and dark pages: transparent, in mid-tone colours."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from classifiers.data.slices import BUCKET_NAMES
from classifiers.evaluation.figures import BRANCHES, FUSION, LLAMA, SCREEN, Figure, Grid, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {FUSION: "#3b82d6", SCREEN: "#d97a1f", LLAMA: "#2f9e6e"}
_HUMAN, _POSITIVE = "#2f9e6e", "#d9534f"
_INK = "#123456"
"""Placeholder of the page's own text colour, which replaces it in the SVG."""

_STYLE: dict[Any, Any] = {
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.edgecolor": "none",
    "axes.grid": True,
    "grid.color": "#8884",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "assay",
}
Pictures = dict[str, tuple[str, Canvas]]


def draw(report: Report) -> Pictures:
    """All pictures that a report has figures for: name -> (title, drawing)."""
    labels = [found.label for found in report.reliability]
    pictures: Pictures = {}
    with mpl.rc_context(_STYLE):
        if labels:
            pictures["roc"] = "ROC curves", _panels(labels, lambda axes, label: _roc(axes, report, label))
            pictures["reliability"] = (
                "Reliability",
                _panels(labels, lambda axes, label: _reliability(axes, report, label)),
            )
            pictures["spread"] = "Scores by length", _panels(labels, lambda axes, label: _spread(axes, report, label))
            pictures["length"] = "AUROC by length", _panels(labels, lambda axes, label: _length(axes, report, label))
        for grid in report.grids:
            pictures[f"leave-{grid.by}-out"] = f"AUROC on each {grid.by}, left out", _grid(grid)
        if report.attacks:
            pictures["attacks"] = "Detection kept under attack", _attacks(report)
        if report.false_rates:
            pictures["fairness"] = "False flags by slice", _fairness(report)
    return pictures


def svg(canvas: Canvas, name: str) -> str:
    """An SVG element for a page, its text in the page's colour, its ids unique among the pictures."""
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(_INK, "currentColor")
    drawn = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", drawn)
    return re.sub(r'<svg ([^>]*?)width="[^"]+" height="[^"]+"|<svg height="[^"]+" ', r"<svg \1", drawn, count=1)


def png(canvas: Canvas) -> bytes:
    """A PNG for pages without colour schemes: on white."""
    with mpl.rc_context(_STYLE):
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=110, facecolor="white")
    return buffer.getvalue()


def _panels(labels: Sequence[str], paint: Callable[["Axes", str], None]) -> Canvas:
    canvas = Canvas(figsize=(4.8 * len(labels), 3.6), layout="constrained")
    for axes, label in zip(canvas.subplots(1, len(labels), squeeze=False)[0], labels, strict=True):
        axes.set_title(label)
        paint(axes, label)
    handles, names = canvas.axes[0].get_legend_handles_labels()
    if handles:
        canvas.legend(handles, names, loc="outside lower center", ncols=len(names))
    return canvas


def _roc(axes: "Axes", report: Report, label: str) -> None:
    for curve in report.curves:
        if curve.label == label:
            axes.plot(curve.fpr, curve.tpr, color=_COLOURS[curve.branch], label=curve.branch)
    axes.axvline(0.01, color=_INK, lw=0.8, ls=":")
    axes.set(xscale="symlog", xlim=(0, 1), ylim=(0, 1.01), xlabel="false positive rate", ylabel="true positive rate")
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xticks([0, 0.01, 0.1, 1], ["0", "1 %", "10 %", "100 %"])


def _reliability(axes: "Axes", report: Report, label: str) -> None:
    (found,) = (found for found in report.reliability if found.label == label)
    sizes = [8 + 120 * rows / max(found.bins.rows) for rows in found.bins.rows]
    axes.plot([0, 1], [0, 1], color=_INK, lw=0.8, ls=":")
    axes.plot(found.bins.predicted, found.bins.observed, color=_COLOURS[FUSION])
    axes.scatter(found.bins.predicted, found.bins.observed, s=sizes, color=_COLOURS[FUSION])
    axes.set(xlabel="probability given", ylabel="share that is positive", xlim=(0, 1), ylim=(0, 1.02))
    axes.text(0.03, 0.93, f"ECE {found.ece:.3f}", transform=axes.transAxes)


def _spread(axes: "Axes", report: Report, label: str) -> None:
    for spread in report.spreads:
        if spread.label == label:
            low, first, middle, third, high = spread.quantiles
            box = {"whislo": low, "q1": first, "med": middle, "q3": third, "whishi": high}
            place = BUCKET_NAMES.index(spread.bucket) + (0.19 if spread.positive else -0.19)
            colour = _POSITIVE if spread.positive else _HUMAN
            lines = {"color": colour}
            axes.bxp([box], positions=[place], widths=0.3, showfliers=False, boxprops=lines, whiskerprops=lines,
                     capprops=lines, medianprops={"color": colour, "lw": 2.5}, manage_ticks=False)  # fmt: skip
    axes.plot([], [], color=_HUMAN, label="negative")
    axes.plot([], [], color=_POSITIVE, label="positive")
    axes.set_xticks(range(len(BUCKET_NAMES)), [name.replace(" words", "") for name in BUCKET_NAMES], rotation=15)
    axes.set(ylim=(-0.02, 1.02), xlabel="words", ylabel="probability (5, 25, 50, 75, 95 %)")


def _length(axes: "Axes", report: Report, label: str) -> None:
    figures = [*report.of(label, "words"), *report.of(label, "first")]
    parts = list(dict.fromkeys(figure.part for figure in figures))
    for branch, lines in _by_branch(figures):
        _points(axes, [parts.index(figure.part) for figure in lines], lines, branch, upright=True)
    axes.set_xticks(range(len(parts)), [part.replace(" words", "") for part in parts], rotation=30, ha="right")
    axes.set(ylabel="AUROC", xlabel="words of the text, or its first words")


def _grid(grid: Grid) -> Canvas:
    whole = [figure for figure in grid.figures if figure.cut == "whole"]
    parts = [figure.part for figure in sorted(whole, key=lambda figure: figure.auroc) if figure.branch == FUSION]
    canvas = Canvas(figsize=(9, 1.1 + 0.33 * len(parts)), layout="constrained")
    axes = canvas.subplots()
    for branch, lines in _by_branch(whole):
        _points(axes, [parts.index(figure.part) for figure in lines], lines, branch, upright=False)
    axes.set_yticks(range(len(parts)), [part if len(part) < 48 else part[:46] + " …" for part in parts])
    axes.set(xlabel="AUROC (95 % interval)")
    axes.legend(loc="lower left")
    return canvas


def _by_branch(figures: Sequence[Figure]) -> Iterator[tuple[str, list[Figure]]]:
    for branch in BRANCHES:
        yield branch, [figure for figure in figures if figure.branch == branch]


def _points(axes: "Axes", places: Sequence[int], figures: Sequence[Figure], branch: str, *, upright: bool) -> None:
    """AUROCs with intervals, the branches side by side."""
    apart = 0.2 * (BRANCHES.index(branch) - 1)
    at = [place + apart for place in places]
    values = [figure.auroc for figure in figures]
    bounds = [figure.auroc_interval or (figure.auroc, figure.auroc) for figure in figures]
    errors = [[max(0.0, value - low) for value, (low, _) in zip(values, bounds, strict=True)],
              [max(0.0, high - value) for value, (_, high) in zip(values, bounds, strict=True)]]  # fmt: skip
    drawn: dict[str, Any] = {"fmt": "o", "ms": 4, "lw": 1.2, "color": _COLOURS[branch], "label": branch}
    if upright:
        axes.errorbar(at, values, yerr=errors, **drawn)
    else:
        axes.errorbar(values, at, xerr=errors, **drawn)


def _attacks(report: Report) -> Canvas:
    canvas = Canvas(figsize=(9, 1.1 + 0.28 * len(report.attacks)), layout="constrained")
    axes = canvas.subplots()
    found = sorted(report.attacks, key=lambda attack: attack.kept or 0.0)
    axes.barh(
        [attack.attack for attack in found],
        [attack.kept or 0.0 for attack in found],
        color=_COLOURS[FUSION],
        height=0.6,
    )
    axes.axvline(1.0, color=_INK, lw=0.8, ls=":")
    axes.set(xlabel="share of the true positive rate at 5 % false positives that is kept")
    return canvas


def _fairness(report: Report) -> Canvas:
    rates = [rate for rate in report.false_rates if rate.label == report.false_rates[0].label]
    canvas = Canvas(figsize=(9, 1.1 + 0.24 * len(rates)), layout="constrained")
    axes = canvas.subplots()
    for place, rate in enumerate(reversed(rates)):
        low, high = rate.interval
        axes.plot([low, high], [place, place], color=_COLOURS[FUSION], lw=1.2)
        axes.plot([rate.rate], [place], "o", ms=4, color=_COLOURS[FUSION])
    axes.axvline(0.01, color=_INK, lw=0.8, ls=":")
    axes.set_yticks(range(len(rates)), [f"{rate.slice}: {rate.part}" for rate in reversed(rates)])
    axes.set_xscale("symlog", linthresh=0.05)
    axes.set_xticks([0, 0.01, 0.05, 0.1, 0.5, 1], ["0", "1 %", "5 %", "10 %", "50 %", "100 %"])
    axes.set(xlim=(0, 1), xlabel=f"{rates[0].label}: share of negatives flagged at dev's 1 % threshold (95 % interval)")
    return canvas
