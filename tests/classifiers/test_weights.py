from dataclasses import replace

import numpy as np

from classifiers.data.rows import Row, targets
from classifiers.data.sampling import row_probabilities
from classifiers.data.weights import NO_INTERCEPT, intercepts, is_legacy, label_weights
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION

AI, FALSE, HATE = (LABELS.index(label) for label in (AI_GENERATED, MISINFORMATION, "hate"))


def _mixed(corpus: list[Row], machine: int, human: int) -> list[Row]:
    mixed = [row for row in corpus if row.dataset == "mixed"]
    of = {side: [row for row in mixed if row.ai == side] for side in (0, 1)}
    return [*of[1][:machine], *of[0][:human]]


def test_both_classes_of_a_set_weigh_alike_however_often_they_are_drawn(corpus: list[Row]) -> None:
    rows = _mixed(corpus, machine=60, human=20)
    drawn, weights = row_probabilities(rows), label_weights(rows)[:, AI]
    truth = targets(rows, presume=True)[:, AI]
    mass = [(drawn * weights)[truth == side].sum() for side in (0, 1)]
    assert np.isclose(mass[0], mass[1], rtol=1e-3)
    assert np.isclose(sum(mass), 1, rtol=1e-3)


def test_sets_of_one_class_count_less_for_authorship_alone(corpus: list[Row]) -> None:
    one_sided = np.array([row.dataset == "hatemoji" for row in corpus])
    weights = label_weights(corpus)
    assert (weights[one_sided, AI] < 0.5).all()
    assert (weights[one_sided, HATE] == 1).all()
    assert weights[~one_sided, AI].mean() > 0.7


def test_generators_without_instruction_tuning_count_less(corpus: list[Row]) -> None:
    rows = _mixed(corpus, machine=40, human=40)
    old = [replace(row, generator="gpt2") if index % 2 else row for index, row in enumerate(rows) if row.ai]
    weights = label_weights([*old, *(row for row in rows if not row.ai)])
    legacy = is_legacy(old)
    assert legacy.sum() == len(old) // 2
    assert weights[: len(old), AI][legacy].max() < weights[: len(old), AI][~legacy].min()


def test_intercepts_are_by_set_and_only_where_both_classes_are(corpus: list[Row]) -> None:
    numbers = intercepts(corpus)
    sets = np.array([row.dataset for row in corpus])
    assert all(len(np.unique(numbers[sets == name, AI])) == 1 for name in np.unique(sets))
    assert len(np.unique(numbers[:, AI])) == len(np.unique(sets))
    assert (numbers[sets == "mixed", FALSE] >= 0).all()
    assert (numbers[sets != "mixed", FALSE] == NO_INTERCEPT).all()
    assert (numbers[:, HATE] == NO_INTERCEPT).all()
