"""Measures how much detection survives attacks, and whether attacks get human texts flagged.

A threshold is frozen where 5 % of the clean human texts are flagged. Then each attack is applied to the original texts,
of both classes, and the detector reads them as it reads any post: normalisation first, then the fused logit of
`ai_generated`. Two texts that normalise to the same one get the same score, so that an attack that normalisation
undoes wholly is measured as undone and costs no second pass.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.attacks import ATTACKS, Attack, Family
from classifiers.data.rows import DataError, load_rows, sample_per_set, select
from classifiers.detector import Detector, Document
from classifiers.labels import AI_GENERATED
from classifiers.metrics import threshold_at_fpr
from classifiers.text.normalise import normalise

FALSE_RATE = 0.05
MOST_RAISED = 1.2
"""Goal: no attack flags human texts more than this many times as often as clean ones."""

WHOLE = "whole texts"
_GOALS = {Family.CHARACTER: 0.98, Family.LAYOUT: 0.98}
_SYNONYM_GOAL = 0.80
_SEED = 1
Say = Callable[[str], None]
Floats = NDArray[np.float64]


class Labelled(Protocol):
    """A text and whether a machine wrote it (1, 0 or None)."""

    @property
    def text(self) -> str: ...  # noqa: D102

    @property
    def ai(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Post:
    """A line of a JSON-lines file."""

    text: str
    ai: float | None


@dataclass(frozen=True, slots=True)
class AttackFigure:
    """The effect of one attack on detection on one part of the texts.

    `tpr` and `fpr` are shares flagged at the frozen threshold, under attack; `kept` is `tpr` over `tpr_clean`, `raised`
    `fpr` over `fpr_clean` (None: nothing was flagged clean). `goal` is the least `kept` aimed at, None where there is
    none.
    """

    attack: str
    family: str
    rate: float
    source: str
    part: str
    positives: int
    negatives: int
    tpr_clean: float
    tpr: float
    kept: float | None
    fpr_clean: float
    fpr: float
    raised: float | None
    goal: float | None


@dataclass(frozen=True, slots=True)
class RedTeamOptions:
    """What to attack: `data` is a directory of labelled sets (at most `per_set` rows each) or a JSON-lines file.

    `words`: measure on this many first words too, 0 for whole texts only. `report` is where to write JSON, if at all.
    """

    data: Path
    bundle: Path | None = None
    heads: Path | None = None
    split: str = "test"
    per_set: int = 100
    words: int = 80
    seed: int = _SEED
    licences: tuple[str, ...] | None = None
    report: Path | None = None
    device: str = "cpu"
    threads: int = 1


def redteam(options: RedTeamOptions, say: Say = print) -> tuple[AttackFigure, ...]:
    """Attack a bundle; write the report if asked. Raises DataError, BundleError or BackboneError."""
    rows = load_labelled(options)
    detector = Detector.load(options.bundle, options.heads, device=options.device, threads=options.threads)
    figures = measure(detector, rows, seed=options.seed, say=say)
    if options.words:
        figures += measure(detector, rows, words=options.words, seed=options.seed, say=say)
    if options.report:
        found = {"version": detector.version, "false_rate": FALSE_RATE, "figures": [asdict(one) for one in figures]}
        options.report.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return figures


def measure(
    detector: Detector,
    rows: Sequence[Labelled],
    *,
    attacks: Iterable[Attack] = tuple(ATTACKS.values()),
    words: int | None = None,
    seed: int = _SEED,
    say: Say = print,
) -> tuple[AttackFigure, ...]:
    """Figures of each attack on rows that say who wrote them (others are skipped), of `words` first words if given.

    Raises DataError where one class is missing.
    """
    known = [row for row in rows if row.ai is not None]
    texts = [row.text if words is None else " ".join(row.text.split(" ")[:words]) for row in known]
    truth = np.array([row.ai == 1 for row in known])
    if not truth.any() or truth.all():
        raise DataError(f"{len(known)} rows with `ai`: both machine-written (1) and human (0) texts are needed")
    scores = _Scores(detector)
    clean = scores(texts)
    threshold = threshold_at_fpr(truth, clean, FALSE_RATE)
    figures = []
    for attack in attacks:
        say(f"redteam: {attack.name}, {_part(words)}")
        attacked = scores([attack(text, _seeded(seed, attack, index)) for index, text in enumerate(texts)])
        figures.append(_figure(attack, _part(words), truth, clean >= threshold, attacked >= threshold))
    return tuple(figures)


def load_labelled(options: RedTeamOptions) -> list[Labelled]:
    """Held-out rows of a directory's sets that say who wrote them, or all lines of a file. Raises DataError."""
    if options.data.is_dir():
        held_out = [
            row for row in select(load_rows(options.data, options.licences), options.split) if row.ai is not None
        ]
        return list(sample_per_set(held_out, options.per_set, options.seed))
    return list(_posts(options.data))


def table(figures: Iterable[AttackFigure]) -> str:
    """Figures as a Markdown table, with the goals."""
    lines = [
        "| attack | family | rate | on | TPR clean | TPR attacked | kept | goal | FPR attacked | times clean FPR |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.attack} | {one.family} | {one.rate:.0%} | {one.part} | {one.tpr_clean:.3f} | {one.tpr:.3f} "
        f"| {_percent(one.kept)} | {'-' if one.goal is None else f'>= {one.goal:.0%}'} | {one.fpr:.3f} "
        f"| {'-' if one.raised is None else f'{one.raised:.2f}'} |"
        for one in figures
    ]
    return "\n".join(
        [*lines, "", f"Threshold: {FALSE_RATE:.0%} of clean human texts. Goal: at most {MOST_RAISED} times."]
    )


class _Scores:
    """Logits of `ai_generated`, each normalised text read once."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._known: dict[str, float] = {}

    def __call__(self, texts: Sequence[str]) -> Floats:
        plain = [normalise(text).text for text in texts]
        new = {key: text for key, text in zip(plain, texts, strict=True) if key not in self._known}
        readings = self._detector.score([Document(text) for text in new.values()], explain=False)
        for key, reading in zip(new, readings, strict=True):
            self._known[key] = reading.signals[AI_GENERATED].raw
        return np.array([self._known[key] for key in plain], np.float64)


def _figure(
    attack: Attack, part: str, truth: NDArray[np.bool_], clean: NDArray[np.bool_], attacked: NDArray[np.bool_]
) -> AttackFigure:
    tpr_clean, tpr = float(clean[truth].mean()), float(attacked[truth].mean())
    fpr_clean, fpr = float(clean[~truth].mean()), float(attacked[~truth].mean())
    return AttackFigure(
        attack=attack.name,
        family=attack.family.value,
        rate=attack.rate,
        source=attack.source,
        part=part,
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        tpr_clean=tpr_clean,
        tpr=tpr,
        kept=tpr / tpr_clean if tpr_clean else None,
        fpr_clean=fpr_clean,
        fpr=fpr,
        raised=fpr / fpr_clean if fpr_clean else None,
        goal=_SYNONYM_GOAL if attack.name == "synonym" else _GOALS.get(attack.family),
    )


def _seeded(seed: int, attack: Attack, index: int) -> random.Random:
    """A generator of its own for each attack and text, so that none depends on the others."""
    return random.Random(f"{seed}/{attack.name}/{index}")  # noqa: S311  (not a secret)


def _part(words: int | None) -> str:
    return WHOLE if words is None else f"first {words} words"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _posts(path: Path) -> Iterator[Post]:
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield _post(json.loads(line))
            except (ValueError, TypeError) as error:
                raise DataError(f'{path}, line {number}: {error}; expected {{"text": "...", "ai": 0 or 1}}') from error


def _post(fields: object) -> Post:
    if not isinstance(fields, Mapping):
        raise TypeError("not a JSON object")
    text, ai = fields.get("text"), fields.get("ai")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"`text` is {text!r}")
    if ai is not None and ai not in (0, 1):
        raise ValueError(f"`ai` is {ai!r}, not 0, 1 or null")
    return Post(text, None if ai is None else float(ai))
