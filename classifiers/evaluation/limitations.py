"""The limits of a bundle, from its own figures: each sentence is based on a figure."""

from collections.abc import Iterator, Mapping, Sequence

from classifiers.data.rows import WRITTEN
from classifiers.evaluation.figures import ALL, FUSION, FalseRate, Figure, Report
from classifiers.labels import AI_GENERATED, MISINFORMATION, POLICY_LABELS

_NEAR_CHANCE, _WEAK = 0.65, 0.85
_FEW = 50
_WRONGS = 0.03
_HARMED, _FOOLED = 0.9, 1.2
_ILL_CALIBRATED = 0.03
_FEWEST_ROWS = 40


def limitations(report: Report, training: Mapping[str, object]) -> Iterator[str]:
    """Sentences, one a bullet."""
    yield (
        "It was trained on research sets, almost all English. A generator, topic, platform or language that they lack "
        "is judged worse than held-out rows of the same sets tell: try it on your own posts first."
    )
    yield from _unseen(report)
    yield from _short(report)
    yield from _misinformation(report)
    yield from _scarce_labels(report)
    yield from _calibration(report)
    yield from _wronged(report.false_rates)
    yield from _attacked(report)
    if not report.grids:
        yield "No leave-one-out grid was measured for this bundle, so nothing here tells how it does on unseen sources."
    yield from _sources(training.get("sets"))
    yield "`misinformation` knows style and topics, not facts. It may order a queue; it must never decide."
    yield "Context (parent post, link title, text in images) isn't read."


def _sources(sets: object) -> Iterator[str]:
    """The source of labels that no set of posts has."""
    if not isinstance(sets, Mapping) or "harm_prompts" not in sets:
        return
    written = sets.get(WRITTEN)
    made_up = f" and from {written['train']:,} posts made up for the purpose" if isinstance(written, Mapping) else ""
    yield (
        "`weapons`, `cbrn`, `fraud` and most of `violence` and `sexual` were learned from requests to a chatbot"
        f"{made_up}, not from posts found in feeds; there they may miss harm and flag harmless talk."
    )


def _fused(report: Report, label: str, cut: str) -> list[Figure]:
    return [figure for figure in report.of(label, cut) if figure.branch == FUSION]


def _unseen(report: Report) -> Iterator[str]:
    for grid in report.grids:
        whole = [figure for figure in grid.figures if (figure.cut, figure.branch) == ("whole", FUSION)]
        weak = sorted((figure for figure in whole if figure.auroc < _WEAK), key=lambda figure: figure.auroc)
        if weak:
            named = ", ".join(f"{figure.part} ({figure.auroc:.2f})" for figure in weak[:4])
            yield f"Weak on an unseen {grid.by}: AUROC below {_WEAK} on {named} when left out of training."
        rates = [figure.frozen_fpr for figure in whole if figure.frozen_fpr is not None]
        if rates and max(rates) > _WRONGS:
            worst = max(whole, key=lambda figure: figure.frozen_fpr or 0.0)
            yield (
                f"A threshold set on known sources doesn't hold on an unseen {grid.by}: where dev gave 1 % of false "
                f"flags, {worst.part} got {worst.frozen_fpr:.0%} when left out."
            )


def _short(report: Report) -> Iterator[str]:
    weak = [figure for figure in _fused(report, AI_GENERATED, "words") if figure.tpr < 0.5]
    for figure in weak:
        yield (
            f"`ai_generated` finds {figure.tpr:.0%} of machine-written texts of {figure.part} at 1 % false positives "
            f"(AUROC {figure.auroc:.2f})."
        )


def _misinformation(report: Report) -> Iterator[str]:
    chance = [
        figure
        for figure in _fused(report, MISINFORMATION, "set")
        if figure.auroc < _NEAR_CHANCE and min(figure.positives, figure.negatives) >= 10
    ]
    if chance:
        named = ", ".join(f"{figure.part} ({figure.auroc:.2f})" for figure in chance)
        yield f"`misinformation` is near chance on {named}."


def _scarce_labels(report: Report) -> Iterator[str]:
    for label in POLICY_LABELS:
        for figure in _fused(report, label, ALL):
            if figure.positives < _FEW:
                yield f"`{label}` was measured on {figure.positives} positive texts only: its figures are loose."
        if not _fused(report, label, ALL):
            yield f"`{label}` couldn't be measured: the held-out rows known of it are all of one class, or none."


def _calibration(report: Report) -> Iterator[str]:
    loose = [figure for figure in report.figures if figure.ece is not None and figure.ece > _ILL_CALIBRATED]
    if loose:
        named = ", ".join(f"`{figure.label}` ({figure.ece:.3f})" for figure in loose)
        yield f"Probabilities are off by more than {_ILL_CALIBRATED} on average for {named}: rank by them only."


def _wronged(rates: Sequence[FalseRate]) -> Iterator[str]:
    worst = sorted((rate for rate in rates if rate.interval[0] > _WRONGS and rate.rows >= _FEWEST_ROWS), key=_rate)
    for rate in worst[::-1][:6]:
        yield (
            f"`{rate.label}` wrongs some more than others: {rate.rate:.0%} of harmless texts are flagged at the "
            f"threshold that gives 1 % on dev where {rate.slice} is {rate.part} ({rate.rows:,} rows)."
        )


def _rate(rate: FalseRate) -> float:
    return rate.rate


def _attacked(report: Report) -> Iterator[str]:
    hurt = [(found.kept, found.attack) for found in report.attacks if found.kept is not None and found.kept < _HARMED]
    if hurt:
        named = ", ".join(f"{attack} ({kept:.0%})" for kept, attack in sorted(hurt))
        yield f"These rewrites hide machine-written text (share of detection kept): {named}."
    fooled = [(found.raised, found.attack) for found in report.attacks if found.raised and found.raised > _FOOLED]
    if fooled:
        named = ", ".join(f"{attack} ({raised:.1f} times as often)" for raised, attack in sorted(fooled)[::-1])
        yield f"These make human texts look machine-written: {named}."
