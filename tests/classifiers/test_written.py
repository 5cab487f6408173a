"""The posts written for this project, and what is presumed of everyday posts."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers.data.rows import Row, load_rows, presumed_weights, select, targets
from classifiers.data.sampling import row_probabilities
from classifiers.labels import LABELS, MISINFORMATION, POLICY_LABELS

ROW = Row("some text", "set", "set/a", "train", "post", "en", "MIT", None, None, None, None)
MISINFO = LABELS.index(MISINFORMATION)


@pytest.fixture(scope="module")
def written(data_dir: Path) -> list[Row]:
    return [row for row in load_rows(data_dir) if row.dataset == "written"]


def labels(row: Row) -> dict[str, float]:
    return dict(zip(LABELS, targets([row], presume=False)[0].tolist(), strict=True))


def misinformation(row: Row) -> float:
    return float(targets([row], presume=True)[0, MISINFO])


def test_every_theme_has_positives_and_hard_negatives_in_each_split(written: list[Row]) -> None:
    counts = Counter((row.source, row.split, bool(row.policy)) for row in written)
    for label in POLICY_LABELS:
        for split in ("train", "dev", "test"):
            positives, negatives = (counts[f"written/{label}", split, holds] for holds in (True, False))
            assert min(positives, negatives) >= 2, (
                f"classifiers/data/written/posts.jsonl: write {split} posts for {label!r}"
            )
            assert 0.4 < positives / negatives < 2.5


def test_they_name_known_labels_and_know_the_rest_to_be_absent(written: list[Row]) -> None:
    assert {category for row in written for category in row.policy or ()} == set(POLICY_LABELS)
    known = labels(replace(ROW, dataset="written", policy=("weapons",)))
    assert known["weapons"] == 1
    assert known["cbrn"] == known["fraud"] == known["violence"] == 0
    assert np.isnan(labels(replace(ROW, dataset="written", policy=("hate",)))["harassment"])


def test_everyday_ones_are_no_misinformation(written: list[Row]) -> None:
    everyday = [row for row in written if row.source == "written/everyday"]
    assert (targets(everyday, presume=False)[:, 1:] == 0).all()


def test_they_respect_the_licence_filter(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "first", "split": "train", "licence": "MIT"}\n')
    assert len(load_rows(tmp_path, ["MIT"])) == 1
    assert len(load_rows(tmp_path, ["MIT", "Apache-2.0"])) > 500


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("tweeteval/sentiment", "i love how my dog waits for me", 0.0),
        ("tweeteval/sentiment", "Ferry service to the islands suspended", np.nan),
        ("tweeteval/sentiment", "i can't believe what the president did", np.nan),
        ("tweeteval/emoji", "Sunday at the lake", 0.0),
        ("tweeteval/emoji", "read my report at https://a.b/c", np.nan),
        ("tweeteval/stance", "i like my dog", np.nan),
    ],
)
def test_everyday_posts_are_presumed_true(source: str, text: str, expected: float) -> None:
    row = replace(ROW, text=text, dataset="tweeteval", source=source)
    assert np.array_equal(misinformation(row), expected, equal_nan=True)


def test_an_annotation_outdoes_a_presumption() -> None:
    row = replace(ROW, kind="review", misinfo=1.0)
    assert misinformation(row) == 1.0
    assert misinformation(replace(row, misinfo=None)) == 0.0


def test_presumed_negatives_weigh_less() -> None:
    weights = presumed_weights([replace(ROW, kind="review", misinfo=0.0), replace(ROW, kind="review")])
    assert weights[:, MISINFO].tolist() == pytest.approx([1.0, 0.2])
    assert weights[:, LABELS.index("fraud")].tolist() == [0.5, 0.5]


def test_rare_labels_are_drawn_more_often() -> None:
    rows = [replace(ROW, text=str(number), policy=()) for number in range(99_999)]
    rows.append(replace(ROW, policy=("weapons",)))
    plain = row_probabilities([*rows[:-1], replace(ROW, policy=("other",))])[-1]
    assert row_probabilities(rows)[-1] == pytest.approx(3 * plain, rel=0.02)


def test_they_are_drawn_often_in_a_large_corpus(written: list[Row]) -> None:
    rows = [replace(ROW, text=str(number)) for number in range(20_000)]
    training = select(written, "train")
    share = row_probabilities([*rows, *training])[len(rows) :].sum()
    assert share > 5 * len(training) / len(rows)
