"""How reports slice rows, and the sentences that figures call for."""

from dataclasses import replace
from typing import Any

import numpy as np

from classifiers.data.rows import Row
from classifiers.data.slices import by_bucket, by_generator, by_talk, by_writer
from classifiers.evaluation.figures import Figure, Grid, Report
from classifiers.evaluation.limitations import limitations
from classifiers.evaluation.scored_rows import articles, threshold_above

BLANK = Row("", "a", "a/x", "test", "post", "en", "MIT", None, 0.0, None, None)
FIGURE = Figure("ai_generated", "all", "all", "test", "fusion", 100, 100, 0.99, 0.9)


def row(text: str, **fields: Any) -> Row:
    return replace(BLANK, text=text, **fields)


def test_every_text_is_in_one_bucket() -> None:
    masks = np.stack([mask for _, mask in by_bucket(np.array([1, 10, 11, 20, 21, 40, 41, 80, 81, 5000]))])
    assert masks.sum(axis=1).tolist() == [2, 2, 2, 2, 2]
    assert (masks.sum(axis=0) == 1).all()


def test_a_generator_is_set_against_humans_of_its_own_sets() -> None:
    rows = [
        row("h1"),
        row("m1", ai=1.0, generator="GPT-4o"),
        row("h2", dataset="b"),
        row("m2", dataset="b", ai=1.0, generator="llama"),
        row("m3", dataset="b", ai=1.0, generator="Llama-3-8B"),
    ]
    found = {name: mask.tolist() for name, mask in by_generator(rows)}
    assert found == {"gpt-4o": [True, True, False, False, False], "llama": [False, False, True, True, True]}


def test_plain_style_is_told_from_varied_and_short_from_long_sentences() -> None:
    plain = row("the dog sat. " * 20)
    varied = row(" ".join(f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}word" for n in range(60)))
    found = {name: mask.tolist() for kind, name, mask in by_writer([plain, varied]) if kind == "style"}
    assert found["few different words"] == [True, False]
    assert found["short sentences"] == [True, False]
    assert found["many different words"] == [False, True]


def test_talk_is_told_by_whole_words() -> None:
    texts = ["Police seized 14 rifles.", "the missile test failed", "begun at dawn", "bomber jacket"]
    (_, mentions), (_, others) = by_talk("weapons", texts)
    assert mentions.tolist() == [True, True, False, False]
    assert (mentions ^ others).all()
    assert list(by_talk("sexual", texts)) == []


def test_texts_that_open_alike_are_one_article() -> None:
    opening = "The council voted on Tuesday to close the old bridge over the river for repairs that"
    numbers = articles([row(opening + " last"), row(opening.upper() + "!! 2 more"), row("Another thing")])
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_frozen_threshold_flags_at_most_one_percent_of_what_it_was_set_on() -> None:
    many, few = np.arange(1000, dtype=np.float32), np.array([0.1, 0.2, 1.0], np.float32)
    assert (many >= threshold_above(many)).mean() == 0.01
    assert not (few >= threshold_above(few)).any()
    assert not (np.ones(50, np.float32) >= threshold_above(np.ones(50, np.float32))).any()


def test_limits_are_said_where_figures_call_for_them() -> None:
    good = Report("v", "test", 10, 200, (FIGURE,))
    said = " ".join(limitations(good, {}))
    assert "No leave-one-out grid" in said
    assert "`hate` couldn't be measured" in said
    assert "near chance" not in said
    assert "Weak on an unseen" not in said
    weak = replace(FIGURE, cut="whole", part="tweepfake", auroc=0.71, frozen_fpr=0.2)
    poor = replace(FIGURE, label="misinformation", cut="set", part="liar", auroc=0.58)
    short = replace(FIGURE, cut="words", part="10 words or fewer", tpr=0.1)
    bad = replace(good, figures=(FIGURE, poor, short), grids=(Grid("set", "v", None, {}, (weak,)),))
    said = " ".join(limitations(bad, {"sets": {"harm_prompts": {}}}))
    assert "Weak on an unseen set: AUROC below 0.85 on tweepfake (0.71)" in said
    assert "tweepfake got 20%" in said
    assert "near chance on liar (0.58)" in said
    assert "10% of machine-written texts of 10 words or fewer" in said
    assert "requests to a chatbot" in said
