"""The committed posts that check a shipped bundle against its card: measured by `assay evaluate`, checked by a test.

A line is a JSON object with `text` and its known labels: `ai` (1 machine-written), `misinfo` (1 false) and
`policy` (list of labels, [] benign), each null or absent where unknown. A listed label is positive, and an annotated
post is negative for every policy label that it doesn't list.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.bundle import Bundle
from classifiers.data.rows import Row
from classifiers.errors import InputError
from classifiers.evaluation.figures import Fixture, FixtureFigure
from classifiers.evaluation.scored_rows import judge
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION, POLICY_LABELS
from classifiers.metrics import auroc
from classifiers.text.normalise import normalise

_FEWEST = 4


def measure_fixture(bundle: Bundle, path: Path) -> Fixture:
    """Score the posts of a file. Raises InputError for a line that isn't as the module says."""
    posts = list(_posts(path))
    if not posts:
        raise InputError(f"{path}: holds no posts")
    rows = [_row(text) for text, _ in posts]
    probability = judge(bundle, rows).probability
    truth = np.stack([known for _, known in posts])
    figures = [_figure(label, truth[:, column], probability[:, column]) for column, label in enumerate(LABELS)]
    return Fixture(bundle.version, len(posts), tuple(figures))


def _posts(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            fields = json.loads(line)
            yield normalise(fields["text"]).text, _truth(fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path.name}, line {number}: {error!r}; see classifiers/evaluation/fixture.py") from error


def _truth(fields: dict[str, object]) -> NDArray[np.float32]:
    """The known labels of a post [L], NaN where unknown."""
    truth = np.full(len(LABELS), np.nan, np.float32)
    for label, name in ((AI_GENERATED, "ai"), (MISINFORMATION, "misinfo")):
        value = fields.get(name)
        if value not in (None, 0, 1):
            raise ValueError(f"{name} is {value!r}, not 0, 1 or null")
        truth[LABELS.index(label)] = np.nan if value is None else float(bool(value))
    policy = fields.get("policy")
    if isinstance(policy, list):
        for label in policy:
            POLICY_LABELS.index(label)
        truth[[LABELS.index(label) for label in POLICY_LABELS]] = [label in policy for label in POLICY_LABELS]
    return truth


def _figure(label: str, truth: NDArray[np.float32], probability: NDArray[np.float32]) -> FixtureFigure:
    known, positive = ~np.isnan(truth), truth == 1
    positives, negatives = int(positive.sum()), int((truth == 0).sum())
    ranked = auroc(truth[known], probability[known]) if min(positives, negatives) >= _FEWEST else None
    of_positives = float(probability[positive].mean()) if positives else None
    return FixtureFigure(
        label,
        positives,
        negatives,
        round(float(probability.mean()), 4),
        None if of_positives is None else round(of_positives, 4),
        None if ranked is None else round(ranked, 4),
    )


def _row(text: str) -> Row:
    return Row(text, "fixture", "fixture", "test", "post", "en", "Apache-2.0", None, None, None, None)
