"""Policy documents: what is read, and how what is wrong in them is told."""

import re
from pathlib import Path

import pytest

from service.domain.decision import Category, Decision
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post, Surface
from service.errors import PolicyInvalid
from service.policy.document import DEFAULT, load, parse

EXAMPLES = sorted((Path(__file__).parents[2] / "deploy" / "policies").glob("*.yaml"))

GOOD = """\
schema: 1
name: small
description: For tests.
defaults:
  abstained: ALLOW
thresholds:
  sure: 0.9
  hateful: {value: 0.8, except: [{regions: [NO, DE], value: 0.6}, {words: {below: 10}, value: 0.99}]}
rules:
  - name: hate
    when:
      signals:
        hate: {at_least: hateful}
    then: REVIEW
    category: HATE
    reason: May be hate.
"""


def problem_of(text: str) -> PolicyInvalid:
    with pytest.raises(PolicyInvalid) as caught:
        parse(text)
    return caught.value


def judged(words: int, **probabilities: float) -> Judgement:
    signals = {name: Signal(name, p, 0.0, p, p) for name, p in probabilities.items()}
    return Judgement(content_digest="c", model_version="m", signals=signals, words=words)


@pytest.mark.parametrize("path", [DEFAULT, *EXAMPLES], ids=lambda path: path.stem)
def test_shipped_policies_are_valid(path: Path) -> None:
    policy = load(path)
    assert policy.name == path.stem
    assert all(rule.reason for rule in policy.rules)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


def test_exceptions_apply_in_order_and_norway_is_no_boolean() -> None:
    policy = parse(GOOD)
    post = Post(platform="p", id="1", text="t", region="NO")
    assert policy.decide(post, judged(5, hate=0.7)).decision is Decision.REVIEW
    elsewhere = Post(platform="p", id="1", text="t", region="US")
    assert policy.decide(elsewhere, judged(50, hate=0.7)).decision is Decision.ALLOW
    assert policy.decide(elsewhere, judged(50, hate=0.85)).decision is Decision.REVIEW
    assert policy.decide(elsewhere, judged(5, hate=0.85)).decision is Decision.ALLOW


def test_left_out_keys_have_careful_values() -> None:
    policy = parse(GOOD)
    assert policy.test_string
    assert set(policy.without_worker.values()) == {None}
    assert set(policy.without_model.values()) == {Decision.REVIEW}


def test_defaults_by_surface() -> None:
    policy = parse(GOOD.replace("abstained: ALLOW", "abstained: {ad: REVIEW, other: ALLOW}\n  provisional: REVIEW"))
    assert policy.abstained[Surface.AD] is Decision.REVIEW
    assert policy.abstained[Surface.BIO] is Decision.ALLOW
    assert policy.without_worker[Surface.BIO] is Decision.REVIEW


def test_every_condition_is_read() -> None:
    conditions = """
      surfaces: [feed]
      regions: [DE]
      locales: [pt-BR]
      digital_source_types: [digitalArt]
      abstained: false
      obfuscation: {any: 3, homoglyph: 1}
      words: {at_least: 5, below: 50}
      all: [{not: {abstained: [ABSTAINED_TOO_SHORT]}}]
      any: [{signals: {fraud: {below: sure, low_below: 0.5}}}, {words: {at_least: 40}}]
      signals:
        violence: {at_least: 0.5, low_at_least: .4}
    then"""
    policy = parse(GOOD.replace("signals:\n        hate: {at_least: hateful}\n    then", conditions.strip()))
    assert len(list(policy.rules[0].when.leaves())) == 14
    assert policy.rules[0].category is Category.HATE


def test_the_shipped_policy_explains_every_condition() -> None:
    problem = problem_of(GOOD.replace("signals:\n        hate: {at_least: hateful}", "nothing: 1"))
    keys = problem.remedy.partition("use one of ")[2].split(", ")
    explained = DEFAULT.read_text(encoding="utf-8").partition("\nrules:")[0]
    unexplained = [key for key in keys if not re.search(rf"#.*\b{key}: ", explained)]
    assert len(keys) > 8
    assert not unexplained, f"{unexplained}: explain each in the comments of service/policy/default.yaml"


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "text"),
    [
        ("schema: 1", "schema: 2", 1, "schema", "use 1"),
        ("name: small", "name: Small one", 2, "name", "ads-strict"),
        ("name: small\n", "", 1, "name", "is missing"),
        ("description: For tests.", "description:", 3, "description", "holds nothing"),
        ("description", "descripton", 3, "descripton", "did you mean description?"),
        ("abstained: ALLOW", "abstained: BLOCK", 5, "defaults.abstained", "use one of ALLOW, REVIEW"),
        ("abstained: ALLOW", "abstained: {ad: REVIEW}", 5, "defaults.abstained.other", "is missing"),
        ("abstained: ALLOW", "abstained: ALLOW\n  provisional: MAYBE", 6, "defaults.provisional", "FAIL"),
        ("sure: 0.9", "sure: 90", 7, "thresholds.sure", "from 0 to 1"),
        ("sure: 0.9", "sure: high", 7, "thresholds.sure", "'high' is not a number"),
        ("sure: 0.9", "sure: .nan", 7, "thresholds.sure", "not a number"),
        ("sure: 0.9", "Sure: 0.9", 7, "thresholds.Sure", "lower-case"),
        ("regions: [NO, DE], ", "", 8, "thresholds.hateful.except[0]", "fits every post"),
        ("[NO, DE]", "[Norway]", 8, "thresholds.hateful.except[0].regions[0]", "ISO 3166-1"),
        ("words: {below: 10}", "words: {below: 1.5}", 8, "thresholds.hateful.except[1].words.below", "not whole"),
        ("hate: {at", "hatred: {at", 13, "rules[0].when.signals.hatred", "did you mean hate?"),
        ("at_least: hateful", "at_least: hatefull", 13, "rules[0].when.signals.hate.at_least", "mean hateful?"),
        ("at_least: hateful", "over: hateful", 13, "rules[0].when.signals.hate.over", "at_least, below"),
        ("{at_least: hateful}", "{}", 13, "rules[0].when.signals.hate", "has no bounds"),
        ("then: REVIEW", "then: review", 14, "rules[0].then", "did you mean REVIEW?"),
        ("then: REVIEW", "then: BLOCK", 14, "rules.hate.then", "certified error bound"),
        ("category: HATE", "category: HATRED", 15, "rules[0].category", "did you mean HATE?"),
        ("category: HATE", "category: MISINFORMATION", 15, "rules.hate.category", "without misinformation"),
        ("    reason: May be hate.\n", "", 10, "rules[0].reason", "is missing"),
        ("    reason: May be hate.", "    reason: a\n    reason: b", 17, "rules[0].reason", "occurs twice"),
        ("signals:", "surfaces: [ads]\n      signals:", 12, "rules[0].when.surfaces[0]", "did you mean ad?"),
        ("signals:", "surfaces: []\n      signals:", 12, "rules[0].when.surfaces", "a list is needed"),
        ("signals:", "words: {at_least: 9, below: 9}\n      signals:", 12, "rules[0].when.words", "swap the bounds"),
        ("signals:", "all: {a: b}\n      signals:", 12, "rules[0].when.all", "a list is needed"),
        ("signals:", "abstained: [TOO_SHORT]\n      signals:", 12, "rules[0].when.abstained[0]", "ABSTAINED_TOO"),
        ("signals:", "obfuscation: {}\n      signals:", 12, "rules[0].when.obfuscation", "homoglyph: 3"),
        ("sure: 0.9", "sure: &a 0.9\n  other: *a", 8, "*a", "is an alias"),
        ("sure: 0.9", "[a]: 0.9", 7, "thresholds.key", "text is needed"),
        ("sure: 0.9", "sure: [0.9", 8, "document", "is not YAML"),
        ("sure: 0.9", "sure: " + "[" * 90 + "]" * 90, 7, "document", "nested"),
    ],
)
def test_what_is_wrong_is_told_with_line_key_and_remedy(old: str, new: str, line: int, field: str, text: str) -> None:
    assert old in GOOD
    problem = problem_of(GOOD.replace(old, new, 1))
    assert (problem.line, problem.field) == (line, field)
    assert text in str(problem)
    assert str(problem).startswith(f"line {line}, {field}: ")


def test_other_problems_are_notes_in_order() -> None:
    text = GOOD.replace("sure: 0.9", "sure: 9").replace("ALLOW", "NONE").replace("then: REVIEW", "then: SHRUG")
    problem = problem_of(text)
    assert problem.line == 5
    assert [note.split(",")[0] for note in problem.__notes__] == ["line 7", "line 14"]


def test_two_rules_of_one_name() -> None:
    again = GOOD[GOOD.index("  - name: hate") :]
    problem = problem_of(GOOD + again)
    assert problem.line == 17
    assert "names an earlier rule too" in str(problem)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "word", "a: 1\n---\nb: 2\n", "\x00", "? [a]\n: b\n"])
def test_what_is_no_document_at_all(text: str) -> None:
    assert problem_of(text).remedy


def test_tags_are_not_obeyed() -> None:
    assert parse(GOOD.replace("For tests.", "!!python/name:os.system For tests.")).description == "For tests."


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(GOOD.encode() + b"# \xff\n")
    with pytest.raises(PolicyInvalid, match="is not UTF-8 at byte"):
        load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.yaml")
