"""Leave-one-out folds: nothing of what is measured is learned from; names are those of families and subjects."""

from dataclasses import replace
from typing import Any

import pytest

from classifiers.data.folds import By, domain, family, leave_one_out
from classifiers.data.rows import Row
from classifiers.errors import InputError


def row(text: str, **fields: Any) -> Row:
    blank = Row(text, "a", "a/x", "train", "post", "en", "MIT", None, 0.0, None, None)
    return replace(blank, **fields)


def rows_of(dataset: str, source: str, humans: int, machines: int, generator: str = "gpt-4o") -> list[Row]:
    splits = ("train", "train", "dev", "test")
    written = [
        row(f"{dataset} {source} human {n}", dataset=dataset, source=source, split=splits[n % 4]) for n in range(humans)
    ]
    made = [
        row(
            f"{dataset} {source} {generator} {n}",
            dataset=dataset,
            source=source,
            split=splits[n % 4],
            ai=1.0,
            generator=generator,
        )
        for n in range(machines)
    ]
    return [*written, *made]


CORPUS = [
    *rows_of("a", "a/yelp", 300, 300),
    *rows_of("b", "b/yelp/paraphrased", 10, 300, "GPT-3.5"),
    *rows_of("b", "b/human", 400, 0),
    *rows_of("c", "c/one", 110, 110, "Llama-3-8B"),
    *rows_of("c", "c/two", 110, 110, "llama"),
    *rows_of("d", "d/forum", 500, 0),
    row("unknown writer", ai=None),
]


@pytest.mark.parametrize("by", ["set", "domain", "generator"])
def test_what_is_held_out_is_never_learned_from(by: By) -> None:
    folds = leave_one_out(CORPUS, by)
    assert folds
    for fold in folds:
        assert not {row.text for row in fold.train} & {row.text for row in fold.held_out}
        assert {row.ai for row in fold.held_out} == {0.0, 1.0}
        assert {row.split for row in fold.train} == {"train", "dev"}
        assert any(row.dataset == "d" for row in fold.train), "sets of one class stay in training"


def test_sets_of_one_class_make_no_fold() -> None:
    assert [fold.name for fold in leave_one_out(CORPUS, "set")] == ["a", "b", "c"]


def test_a_domain_is_held_out_of_every_set_and_small_ones_together() -> None:
    folds = {fold.name: fold for fold in leave_one_out(CORPUS, "domain")}
    assert set(folds) == {"yelp", "c: one, two"}
    assert {row.dataset for row in folds["yelp"].held_out} == {"a", "b"}
    assert len(folds["c: one, two"].held_out) == 440


def test_a_generator_is_held_out_in_every_size_beside_human_texts_of_its_sets() -> None:
    folds = {fold.name: fold for fold in leave_one_out(CORPUS, "generator")}
    assert set(folds) == {"gpt-3.5", "gpt-4o", "llama"}
    llama = folds["llama"]
    assert sum(row.ai == 1 for row in llama.held_out) == 220
    assert {row.dataset for row in llama.held_out} == {"c"}
    humans = [row for row in llama.held_out if row.ai == 0]
    assert len(humans) > 55, "too few in the test split, so others are held out with them"
    assert any(row.dataset == "c" and row.ai == 0 for row in llama.train)


def test_families_and_subjects() -> None:
    same = [("gpt-3.5-turbo", "GPT-3-Turbo"), ("GPT-4o", "gpt-4o"), ("gpt2", "gpt-2"), ("Mixtral-v0.1", "Mistral-7B")]
    assert all(family(one) == family(other) for one, other in same)
    assert family("claude-3-opus-20240229") == "claude"
    assert family("gpt-4-turbo-preview") != family("gpt-4o")
    assert domain(row("x", source="f3/llm/CoAID/news")) == domain(row("x", source="f3/human/pre-GPT/CoAID/news"))
    assert domain(row("x", source="imbd_edited/xsum/polish")) == "xsum"
    assert domain(row("x", dataset="tweepfake", source="tweepfake/validation")) == "tweepfake"


def test_bad_asks_are_named() -> None:
    with pytest.raises(InputError, match="set, domain, generator"):
        leave_one_out(CORPUS, "author")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="add labelled sets"):
        leave_one_out(CORPUS[:20], "set")


def test_small_domains_are_held_out_some_at_a_time() -> None:
    many = [row for name in "abcdefghi" for row in rows_of("l2r", f"l2r/{name}", 180, 200)]
    folds = leave_one_out(many, "domain")
    assert [fold.name for fold in folds] == ["l2r: a, b, c, d", "l2r: e, f, g, h, i"]
    assert sum(len(fold.held_out) for fold in folds) == len(many)
