"""Labelled posts and moderators' decisions: what each line becomes, and how bad lines are told."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from classifiers.data.labelled import LabelledError, LabelledPost, read_decisions, read_posts
from classifiers.labels import LABELS, POLICY_LABELS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "posts.jsonl"


def known(post: LabelledPost) -> dict[str, float]:
    return {label: float(value) for label, value in zip(LABELS, post.targets, strict=True) if not np.isnan(value)}


def test_labels_stand_as_fields_or_below_labels(path: Path) -> None:
    lines = [
        {"text": "a  post", "hate": 1, "fraud": None, "surface": "Ad", "lang": "en-US", "id": 7},
        {"text": "another", "labels": {"ai_generated": 0, "misinformation": True}},
    ]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    first, second = read_posts(path)
    assert (first.text, first.surface, first.lang, known(first)) == ("a post", "ad", "en-US", {"hate": 1.0})
    assert (second.surface, known(second)) == ("", {"ai_generated": 0.0, "misinformation": 1.0})
    assert not first.decided


def test_a_directory_holds_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one", "hate": 0}\n')
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write('{"text": "two", "hate": 0}\n')
    assert [post.text for post in read_posts(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line: is not JSON"),
        ("[]", "line: is not a JSON object"),
        ('{"hate": 1}', "text: is missing"),
        ('{"text": " ", "hate": 1}', "text: is missing or empty"),
        ('{"text": "a"}', "labels: none is known; give at least one of ai_generated"),
        ('{"text": "a", "hate": null}', "labels: none is known"),
        ('{"text": "a", "hate": 0.5}', "hate: is 0.5; write 1, 0, or null"),
        ('{"text": "a", "hate": "1"}', "hate: is '1'"),
        ('{"text": "a", "labels": {"hatred": 1}}', "labels.hatred: is not a label; use ai_generated"),
        ('{"text": "a", "labels": [1]}', "labels: is not an object"),
        ('{"text": "a", "hate": 1, "surface": "a b"}', "surface: is 'a b'"),
    ],
)
def test_a_bad_line_is_named_with_its_field(path: Path, line: str, complaint: str) -> None:
    path.write_text('{"text": "fine", "hate": 0}\n' + line)
    with pytest.raises(LabelledError) as caught:
        read_posts(path)
    assert f"posts.jsonl, line 2, {complaint}" in str(caught.value)


def test_all_bad_lines_are_counted(path: Path) -> None:
    path.write_text("x\n" * 14)
    with pytest.raises(LabelledError, match=r"line 10, line.*\nand 4 more such lines"):
        read_posts(path)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"decision": "ALLOW", "categories": []}, dict.fromkeys(POLICY_LABELS, 0.0)),
        ({"decision": "BLOCK", "categories": ["HATE"]}, dict.fromkeys(POLICY_LABELS, 0.0) | {"hate": 1.0}),
        (
            {"decision": "LABEL", "categories": ["AI_GENERATED_MISINFORMATION"], "reviewed": []},
            {"ai_generated": 1.0, "misinformation": 1.0},
        ),
        (
            {"decision": "ALLOW", "reviewed": ["misinformation", "fraud"]},
            {"misinformation": 0.0, "fraud": 0.0},
        ),
        ({"decision": "BLOCK", "categories": ["FRAUD"], "reviewed": ["hate"]}, {"fraud": 1.0, "hate": 0.0}),
    ],
)
def test_what_a_decision_says_of_each_label(path: Path, fields: dict[str, object], expected: dict[str, float]) -> None:
    path.write_text(json.dumps({"text": "a post", "surface": "comment"} | fields))
    [post] = read_decisions(path)
    assert (known(post), post.surface, post.decided) == (expected, "comment", True)


def test_decisions_on_the_test_string_are_left_out(path: Path) -> None:
    path.write_text('{"text": "a", "decision": "BLOCK", "categories": ["TEST"]}\n')
    assert read_decisions(path) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"text": "a", "decision": "REVIEW"}', "decision: is 'REVIEW'; write one of ALLOW"),
        ('{"text": "a"}', "decision: is None"),
        ('{"text": "a", "decision": "BLOCK"}', "categories: are missing for BLOCK"),
        ('{"text": "a", "decision": "BLOCK", "categories": ["hate"]}', "categories: unknown 'hate'; use AI_GENERATED"),
        ('{"text": "a", "decision": "BLOCK", "categories": "HATE"}', "categories: is not a list of names"),
        ('{"text": "a", "decision": "ALLOW", "reviewed": ["HATE"]}', "reviewed: 'HATE' is not a label"),
    ],
)
def test_a_bad_decision_is_named(path: Path, line: str, complaint: str) -> None:
    path.write_text(line)
    with pytest.raises(LabelledError) as caught:
        read_decisions(path)
    assert f"line 1, {complaint}" in str(caught.value)
