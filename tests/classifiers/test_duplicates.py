from dataclasses import replace

import pytest

from classifiers.data.duplicates import NearDuplicates, sketch
from classifiers.data.rows import Row, drop_near_duplicates

ROW = Row("some text", "set", "set/a", "train", "post", "en", "MIT", None, None, None, None)
LONG = " ".join(f"word{number}" for number in range(60))
SHORT = "the ferry to the island was late again this morning, wind from the north"


def near(one: str, other: str) -> bool:
    seen = NearDuplicates()
    seen.add(sketch(one))
    return seen.holds(sketch(other))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (LONG, LONG.replace("word30", "changed"), True),
        (LONG, LONG.upper(), True),
        (LONG, " ".join(reversed(LONG.split())), False),
        (SHORT, SHORT + "!!", True),
        (SHORT, "the ferry to the island was early today, with sun and no wind at all", False),
        ("ok", "ok", True),
        ("ok", "no", False),
    ],
)
def test_near_texts_share_most_of_their_shingles(one: str, other: str, expected: bool) -> None:
    assert near(one, other) is expected


def test_a_training_text_near_a_held_out_one_of_any_set_goes() -> None:
    held_out = replace(ROW, text=LONG, dataset="other", split="test", ai=1.0)
    training = [replace(ROW, text=LONG + " end", ai=0.0), replace(ROW, text=SHORT)]
    assert drop_near_duplicates([*training, held_out]) == [held_out, training[1]]


def test_near_training_texts_stay_where_sets_or_labels_differ() -> None:
    first = replace(ROW, text=LONG, ai=0.0)
    again, edited = replace(first, text=LONG + " end"), replace(first, text=LONG + " finis", ai=1.0)
    elsewhere = replace(first, text=LONG + " stop", dataset="other")
    assert drop_near_duplicates([first, again, edited, elsewhere]) == [first, edited, elsewhere]


def test_held_out_texts_all_stay() -> None:
    rows = [replace(ROW, text=LONG, split="dev"), replace(ROW, text=LONG + " end", split="test")]
    assert drop_near_duplicates(rows) == rows
