"""The plain words: each kind of change has its sentence, and whatever has another version has at least one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policy.document import DEFAULT, PolicyDocuments
from service.policy.governance.difference import differences

EXAMPLES = [DEFAULT, *sorted((Path(__file__).parents[2] / "deploy" / "policies").glob("*.yaml"))]
READER = PolicyDocuments(None)
BASE = """\
schema: 1
name: small
description: For tests.
defaults: {abstained: {ad: REVIEW, other: ALLOW}}
thresholds:
  sure: 0.9
  hateful: {value: 0.80, except: [{regions: [DE], value: 0.6}, {words: {below: 10}, value: 0.99}]}
rules:
  - name: hate
    when:
      signals: {hate: {at_least: hateful}}
      surfaces: [ad, feed]
    then: REVIEW
    category: HATE
    reason: May be hate.
  - name: fraud
    when:
      words: {at_least: 20}
      any: [signals: {fraud: {at_least: sure}}, obfuscation: {homoglyph: 3}]
    then: REVIEW
    category: FRAUD
    reason: May be a scam.
queues:
  - {queue: ads, surfaces: [ad]}
  - {queue: urgent, least_severity: 5}
harms: {HATE: 3}
reasons:
  - {name: hate, text: It attacks people., category: HATE}
  - {name: fine, text: It is fine.}
budget: {automatic_actions_per_day: 1000}
"""
GONE = (
    "Rule fraud is gone: REVIEW (FRAUD) for any of (fraud at least sure) or (hidden letters (homoglyph) at least 3) "
    "and words at least 20."
)


def told(before: str, after: str) -> list[str]:
    return [difference.words for difference in differences(READER.plain(before), READER.plain(after))]


CHANGES = [
    ("sure: 0.9", "sure: 0.85", "Threshold sure falls from 0.90 to 0.85 (rule fraud)."),
    ("sure: 0.9", "sure: 0.9\n  spare: 0.5", "New threshold spare: 0.50 (no rule names it)."),
    ("value: 0.6}", "value: 0.7}", "Threshold hateful for region DE rises from 0.60 to 0.70 (rule hate)."),
    ("[DE], value: 0.6}", "[AT], value: 0.6}", "Threshold hateful is 0.60 for region AT (rule hate)."),
    ("[DE], value: 0.6}", "[AT], value: 0.6}", "Threshold hateful is no longer 0.60 for region DE (rule hate)."),
    (
        "then: REVIEW\n    category: HATE",
        "then: LABEL\n    category: HATE",
        "Rule hate: LABEL instead of REVIEW (milder).",
    ),
    ("at_least: hateful", "at_least: 0.95", "Rule hate: hate at least 0.95 instead of hateful."),
    ("[ad, feed]", "[ad, reel]", "Rule hate: surface gains reel and loses feed."),
    ("\n      surfaces: [ad, feed]", "", "Rule hate: no longer asks for surface ad or feed."),
    ("words: {at_least: 20}", "words: {at_least: 30}", "Rule fraud: words at least rises from 20 to 30."),
    ("words: {at_least: 20}", "regions: [NO]", "Rule fraud: also asks for region NO."),
    ("category: FRAUD", "category: WEAPONS", "Rule fraud: category WEAPONS instead of FRAUD."),
    ("May be hate.", "Perhaps hate.", "Rule hate: reason “Perhaps hate.” instead of “May be hate.”."),
    (
        "name: fraud\n    when",
        "name: scam\n    when",
        GONE,
    ),
    (
        "{ad: REVIEW, other: ALLOW}",
        "ALLOW",
        "For posts on which the classifiers abstain, on ad: ALLOW instead of REVIEW.",
    ),
    ("schema: 1\n", "schema: 1\ntest_string: false\n", "The test string is no longer recognised."),
    ("per_day: 1000", "per_day: 50", "Automatic actions a day: 50 instead of 1,000."),
    ("budget: {automatic_actions_per_day: 1000}\n", "", "Automatic actions a day: no limit instead of 1,000."),
    ("queue: ads, surfaces: [ad]", "queue: ads, surfaces: [ad, bio]", "Queue ads takes cases of surface ad or bio."),
    ("harms: {HATE: 3}", "harms: {HATE: 4, CBRN: 5}", "The harm of HATE rises from 3 to 4."),
    ("It attacks people.", "It attacks.", "Reason hate: text “It attacks.” instead of “It attacks people.”."),
    (
        "text: It is fine.",
        "text: It is fine., rationale: required",
        "Reason fine: rationale “required” instead of “optional”.",
    ),
    ("name: fine", "name: good", "Reason fine is gone."),
    ("For tests.", "For more tests.", "The description is now “For more tests.”, not “For tests.”."),
]


@pytest.mark.parametrize(("old", "new", "words"), CHANGES)
def test_each_change_has_its_sentence(old: str, new: str, words: str) -> None:
    after = BASE.replace(old, new, 1)
    assert after != BASE
    READER.policy(after)
    assert words in told(BASE, after)


def test_several_changes_are_told_in_the_order_of_the_sections() -> None:
    after = BASE.replace("sure: 0.9", "sure: 0.5").replace("per_day: 1000", "per_day: 1")
    assert told(BASE, after) == [
        "Threshold sure falls from 0.90 to 0.50 (rule fraud).",
        "Automatic actions a day: 1 instead of 1,000.",
    ]


def test_layout_is_no_change_and_order_is_said_to_decide_nothing() -> None:
    assert told(BASE, "# a comment\n" + BASE.replace("sure: 0.9", "sure:   0.90")) == []
    document = yaml.safe_load(BASE)
    document["rules"].reverse()
    [words] = told(BASE, yaml.safe_dump(document))
    assert "nothing is decided otherwise" in words


@pytest.mark.parametrize("before", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("after", EXAMPLES, ids=lambda path: path.stem)
def test_shipped_policies_differ_from_all_but_themselves(before: Path, after: Path) -> None:
    words = told(before.read_text(), after.read_text())
    assert (not words) is (before == after)
    assert all(sentence.endswith(".") and "{" not in sentence and "[" not in sentence for sentence in words)


probabilities = st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.95])
surfaces = st.lists(st.sampled_from(["feed", "ad", "bio"]), min_size=1, max_size=3, unique=True)
simple = st.one_of(
    probabilities.map(lambda p: {"signals": {"hate": {"at_least": p}}}),
    probabilities.map(lambda p: {"signals": {"hate": {"low_at_least": p}, "fraud": {"at_least": "sure"}}}),
    surfaces.map(lambda s: {"surfaces": s}),
    st.sampled_from([5, 20]).map(lambda n: {"words": {"at_least": n}}),
    st.sampled_from([["DE"], ["NO", "DE"]]).map(lambda r: {"regions": r}),
    st.sampled_from(["repeats", ["repeats", "discusses"]]).map(lambda r: {"claims": {"relation": r, "at_least": 0.7}}),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"all": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)
rules = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["one", "two", "three"]),
            "when": conditions,
            "then": st.sampled_from(["LABEL", "REVIEW"]),
            "category": st.sampled_from(["HATE", "FRAUD"]),
            "reason": st.sampled_from(["So.", "Because."]),
        },
        optional={"despite_abstention": st.booleans()},
    ),
    max_size=3,
    unique_by=lambda rule: rule["name"],
).filter(bool)
documents = st.fixed_dictionaries(
    {
        "schema": st.just(1),
        "name": st.sampled_from(["a", "b"]),
        "description": st.just("d"),
        "defaults": st.fixed_dictionaries(
            {}, optional={"abstained": st.sampled_from(["ALLOW", "REVIEW", {"ad": "REVIEW", "other": "ALLOW"}])}
        ),
        "thresholds": probabilities.map(lambda p: {"sure": p}),
        "rules": rules,
    },
    optional={
        "test_string": st.booleans(),
        "harms": st.sampled_from([{"HATE": 3}, {"HATE": 4}]),
        "budget": st.integers(0, 3).map(lambda n: {"automatic_actions_per_day": n}),
        "queues": st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2).map(
            lambda names: [{"queue": name, "surfaces": ["ad"]} for name in names]
        ),
        "reasons": st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True).map(
            lambda names: [{"name": name, "text": "t"} for name in names]
        ),
    },
)


def as_yaml(document: Any) -> str:
    return json.dumps(document)  # YAML too, without anchors


@settings(max_examples=100, deadline=None)
@given(documents, documents)
def test_words_are_there_just_where_versions_differ(before: Any, after: Any) -> None:
    old, new = as_yaml(before), as_yaml(after)
    same = READER.policy(old).version == READER.policy(new).version
    assert (told(old, new) == []) is same
    assert told(old, old) == []
