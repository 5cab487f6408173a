"""A category that is new in `service/domain/decision.py` has its place everywhere; a failure says what to add where."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from assay.v1 import verdict_pb2

from classifiers.data.corpus_labels import ANNOTATES
from classifiers.labels import LABELS, POLICY_LABELS
from service.domain import decision
from service.domain.decision import CONTENT, SIGNALS, Category
from service.policy.document import load
from service.policy.routing import HARMS
from service.shims import attributes, categories
from service.transparency import statement_words, statements

ROOT = Path(__file__).parents[2]
DEFAULT = load(None)
DEFAULT_PATH = "service/policy/default.yaml"
IN_THE_API = set(verdict_pb2.Category.keys())
EVERY = pytest.mark.parametrize("category", Category)
FLAGGED = pytest.mark.parametrize("category", CONTENT)

NOT_PERSPECTIVES = {"ai_generated", "misinformation", "self_harm", "weapons", "cbrn", "fraud"}
"""Signals that no attribute of Perspective's is about."""

NOT_OPENAIS = {"ai_generated", "misinformation"}
"""Signals that no moderation category of OpenAI's is about."""


@EVERY
def test_its_row_is_whole(category: Category) -> None:
    row = f"service/domain/decision.py: the row of {category}"
    assert category.value == category.name, f"{row} starts with another name: begin it with {category.name!r}"
    assert category.words.strip(), f"{row} has no words: say in plain English what people are told"
    assert category.harm in range(1, 6), f"{row} has harm {category.harm}: say 1 (mild) to 5 (grave)"
    alike = [each for each in Category if each.words == category.words]
    assert alike == [category], f"{row} has the words of {alike}: give each its own"
    assert HARMS[category] == category.harm


@EVERY
def test_the_api_names_it(category: Category) -> None:
    name = f"CATEGORY_{category.name}"
    assert name in IN_THE_API, (
        f"proto/assay/v1/verdict.proto: add {name}, under the next number, to `enum Category`; then `make proto`"
    )


def test_the_api_names_no_other() -> None:
    ours = {f"CATEGORY_{category.name}" for category in Category} | {"CATEGORY_UNSPECIFIED"}
    more = IN_THE_API - ours
    assert not more, f"service/domain/decision.py: add rows to `Category` for {sorted(more)}, which the API names"


def test_the_classifiers_answer_the_same_signals() -> None:
    missing, more = sorted(set(SIGNALS) - set(LABELS)), sorted(set(LABELS) - set(SIGNALS))
    assert not missing, f"classifiers/labels.py: add {missing} at the end of POLICY_LABELS, and train a bundle"
    assert not more, f"service/domain/decision.py: add rows to `Category` for the signals {more} of the classifiers"
    assert set(decision.POLICY_LABELS) == set(POLICY_LABELS)


@pytest.mark.parametrize("label", decision.POLICY_LABELS)
def test_some_training_set_looked_for_it(label: str) -> None:
    assert any(label in looked for looked in ANNOTATES.values()), (
        f"classifiers/data/corpus_labels.py: name {label!r} in ANNOTATES for each set whose annotators looked for it; "
        "say in OVERLAPS and PRESUMED_ABSENT what other rows leave open about it"
    )


@FLAGGED
def test_the_default_policy_flags_it(category: Category) -> None:
    rules = [rule for rule in DEFAULT.rules if rule.category is category]
    assert rules, f"{DEFAULT_PATH}: add a rule under `rules` with `category: {category}` (and its threshold)"


@FLAGGED
def test_the_default_policy_says_how_grave_it_is(category: Category) -> None:
    line = f"  {category}: {category.harm}\n"
    text = (ROOT / DEFAULT_PATH).read_text(encoding="utf-8").partition("\nharms:\n")[2]
    assert line in text, f"{DEFAULT_PATH}: put the line {line.strip()!r} under `harms`, or mend its row's harm"


@FLAGGED
def test_a_moderator_can_decide_for_it(category: Category) -> None:
    reasons = [reason for reason in DEFAULT.routing.reasons if reason.category is category]
    assert reasons, f"{DEFAULT_PATH}: add one of `reasons` with `category: {category}`, told to the author in `text`"


@FLAGGED
def test_a_statement_of_reasons_can_name_it(category: Category) -> None:
    theirs = statements.CATEGORIES.get(category)
    assert theirs, (
        f"service/transparency/statements.py: add {category} to CATEGORIES, in the words that "
        "service/transparency/statement_words.py lists"
    )
    assert theirs.category in statement_words.CATEGORIES
    told = f"`{theirs.category.removeprefix('STATEMENT_CATEGORY_')}`"
    rows = (ROOT / "docs/transparency.md").read_text(encoding="utf-8").splitlines()
    assert any(_named_in(row, category) and told in row for row in rows), (
        f"docs/transparency.md: add a row with {category} and {told} to the table of categories"
    )


def _named_in(row: str, category: Category) -> bool:
    return row.startswith("|") and category in row.split("|")[1].strip().split(", ")


def test_the_test_string_is_in_no_statement() -> None:
    assert Category.TEST not in statements.CATEGORIES


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("path", "mapping", "apart", "named"),
    [
        ("service/shims/attributes.py", attributes.ATTRIBUTES, NOT_PERSPECTIVES, "NOT_PERSPECTIVES"),
        ("service/shims/categories.py", categories.CATEGORIES, NOT_OPENAIS, "NOT_OPENAIS"),
    ],
)
def test_the_shims_answer_by_it_or_it_is_said_that_they_do_not(
    signal: str, path: str, mapping: Mapping[str, Any], apart: Collection[str], named: str
) -> None:
    answered = any(signal in mapped.signals for mapped in mapping.values())
    assert answered or signal in apart, (
        f"{path}: name {signal!r} in each entry that is about it, and in the table of docs/shims.md; "
        f"where none is, add it to {named} in tests/house/test_categories.py"
    )
    assert not (answered and signal in apart), f"tests/house/test_categories.py: take {signal!r} out of {named}"
