import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers.data.rows import DataError, Row, deduplicate, load_rows, select, targets
from classifiers.data.sampling import Sampler, crop, row_probabilities
from classifiers.labels import LABELS

ROW = Row("some text", "set", "set/a", "train", "post", "en", "MIT", None, None, None, None)


def write(directory: Path, name: str, *lines: object) -> None:
    (directory / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def known(row: Row, *, presume: bool = False) -> dict[str, float]:
    values = targets([row], presume=presume)[0]
    return {label: float(value) for label, value in zip(LABELS, values, strict=True) if not np.isnan(value)}


def test_sets_load_with_their_names(data_dir: Path) -> None:
    rows = load_rows(data_dir)
    assert {row.dataset for row in rows} == {"mixed", "hatemoji", "harm_prompts", "written"}
    assert {row.split for row in rows} == {"train", "dev", "test"}


def test_licences_filter_by_pattern(tmp_path: Path) -> None:
    write(tmp_path, "a", {"text": "first text", "split": "train", "licence": "MIT"})
    write(tmp_path, "b", {"text": "second text", "split": "train", "licence": "CC BY 4.0"})
    assert [row.text for row in load_rows(tmp_path, ["CC*"])] == ["second text"]
    with pytest.raises(DataError, match="no labelled rows"):
        load_rows(tmp_path, ["GPL"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [({"text": "x", "split": "other"}, "split"), ({"text": "x", "split": "dev", "ai": 2}, "ai"), (5, "TypeError")],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, reason: str) -> None:
    write(tmp_path, "bad", {"text": "fine", "split": "dev"}, line)
    with pytest.raises(DataError, match=f"bad.jsonl, line 2: .*{reason}"):
        load_rows(tmp_path)


def test_collections_without_texts_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "claims", {"id": 1, "claim": "the moon is cheese"})
    write(tmp_path, "posts", {"text": "a post", "split": "train"})
    assert [row.text for row in load_rows(tmp_path) if row.dataset != "written"] == ["a post"]


def test_liar_is_never_trained_on(tmp_path: Path) -> None:
    write(tmp_path, "liar", {"text": "a claim", "split": "train", "misinfo": 1})
    assert {row.dataset for row in select(load_rows(tmp_path), "train")} == {"written"}


def test_held_out_copies_win_and_know_what_either_knew() -> None:
    copies = [
        replace(ROW, text="The SAME text, twice! https://x.y/1", ai=0.0),
        replace(ROW, text="the same text twice", split="test", dataset="other", misinfo=1.0),
    ]
    (kept,) = deduplicate(copies)
    assert (kept.split, kept.ai, kept.misinfo) == ("test", 0.0, 1.0)


def test_a_training_text_that_opens_as_a_held_out_one_goes() -> None:
    opening = "a shared opening of more than eighty letters, which two articles have in common word for word, and more "
    kept = deduplicate([replace(ROW, text=opening + "one"), replace(ROW, text=opening + "two", split="dev")])
    assert [row.split for row in kept] == ["dev"]


def test_a_set_says_nothing_of_labels_it_did_not_annotate() -> None:
    assert known(replace(ROW, dataset="hatemoji", policy=())) == {"hate": 0.0}
    assert known(replace(ROW, dataset="sdcnl_selfharm", policy=("self-harm",))) == {"self_harm": 1.0}
    assert known(ROW) == {}


def test_presumed_negatives_are_for_training_only() -> None:
    tweet = replace(ROW, dataset="tweepfake", ai=1.0)
    assert known(tweet) == {"ai_generated": 1.0}
    assert known(tweet, presume=True).keys() >= {"weapons", "cbrn", "fraud"}


def test_threatening_hate_is_hate_and_violence() -> None:
    found = known(replace(ROW, dataset="edos_sexism", policy=("hate", "hate/threatening")))
    assert found == {"hate": 1.0, "violence": 1.0}


def test_overlapping_categories_stay_unknown() -> None:
    found = known(replace(ROW, dataset="harm_prompts", kind="prompt", policy=("weapons",)))
    assert found["weapons"] == 1.0
    assert "violence" not in found
    assert found["fraud"] == 0.0


def test_draws_are_even_over_sets_and_labels() -> None:
    rows = [replace(ROW, dataset="big", ai=float(index % 50 == 0)) for index in range(900)]
    rows += [replace(ROW, dataset="small", ai=1.0) for _ in range(100)]
    probability = row_probabilities(rows)
    assert probability.sum() == pytest.approx(1.0)
    assert probability[900:].sum() == pytest.approx(10 / 40)
    machine = sum(p for p, row in zip(probability, rows[:900], strict=False) if row.ai)
    assert machine == pytest.approx(30 / 40 * 18**0.5 / (18**0.5 + 882**0.5))


def test_crops_have_5_to_200_words() -> None:
    rng = random.Random(1)
    text = " ".join(str(number) for number in range(1000))
    lengths = [len(crop(text, rng).split()) for _ in range(400)]
    assert min(lengths) >= 5
    assert max(lengths) == 200
    assert sum(length <= 30 for length in lengths) > 80
    assert crop("two words", rng) == "two words"


def test_streams_are_seeded_and_resume(corpus: list[Row]) -> None:
    first, second = Sampler(corpus, 3), Sampler(corpus, 3)
    assert [first.draw() for _ in range(20)] == [second.draw() for _ in range(20)]
    state = json.loads(json.dumps(first.state()))
    expected = [first.draw() for _ in range(5)]
    second.restore(state)
    assert [second.draw() for _ in range(5)] == expected
