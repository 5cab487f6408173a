"""What a policy decides, and what no policy may say."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.labels import LABELS
from classifiers.text.normalise import OBFUSCATIONS as COUNTED
from service.domain.claim import Match, Rating, Relation
from service.domain.decision import SIGNALS, Category, Decision
from service.domain.fusing import fused
from service.domain.judgement import Evidence, Judgement, Signal
from service.domain.post import Context, Post, Surface
from service.errors import PolicyInvalid
from service.policy.conditions import (
    OBFUSCATIONS,
    Abstained,
    AllOf,
    Among,
    AnyOf,
    ClaimBound,
    Condition,
    Obfuscation,
    SignalBound,
    Threshold,
    Words,
)
from service.policy.document import load, parse
from service.policy.policy import Policy
from service.policy.rule import Rule

DEFAULT = load()
POST = Post(platform="example", id="1", text="words of a post", surface=Surface.FEED, region="DE", locale="de-AT")


def judged(words: int = 50, abstained: tuple[str, ...] = (), width: float = 0.05, **probabilities: float) -> Judgement:
    """A judgement in which signals that aren't named are unlikely."""
    values = {name: probabilities.get(name, 0.02) for name in SIGNALS}
    return Judgement(
        content_digest="c",
        model_version="m",
        signals={name: Signal(name, p, 0.0, max(0.0, p - width), min(1.0, p + width)) for name, p in values.items()},
        words=words,
        abstained=abstained,
    )


def rule(when: Condition, then: Decision = Decision.LABEL, category: Category | None = Category.HATE) -> Rule:
    return Rule(name="the-rule", when=when, then=then, category=category, reason="why")


def at_least(signal: str, value: float) -> SignalBound:
    return SignalBound(signal, Threshold(value))


def with_rules(*rules: Rule) -> Policy:
    return replace(DEFAULT, rules=rules)


def test_knows_the_signals_and_obfuscations_of_the_classifiers() -> None:
    assert set(SIGNALS) == set(LABELS)
    assert OBFUSCATIONS == COUNTED


def test_nothing_likely_is_allowed_without_reasons() -> None:
    ruling = DEFAULT.decide(POST, judged())
    assert (ruling.decision, ruling.categories, ruling.rules) == (Decision.ALLOW, (), ())


@pytest.mark.parametrize(
    ("probabilities", "decision", "category"),
    [
        ({"ai_generated": 0.99}, Decision.LABEL, Category.AI_GENERATED),
        ({"misinformation": 0.95}, Decision.REVIEW, Category.MISINFORMATION),
        ({"misinformation": 0.95, "ai_generated": 0.99}, Decision.REVIEW, Category.AI_GENERATED_MISINFORMATION),
        ({"self_harm": 0.75}, Decision.REVIEW, Category.SELF_HARM),
        ({"cbrn": 0.75}, Decision.REVIEW, Category.CBRN),
        ({"violence": 0.85}, Decision.REVIEW, Category.VIOLENCE),
        ({"hate": 0.92}, Decision.REVIEW, Category.HATE),
        ({"harassment": 0.96}, Decision.REVIEW, Category.HARASSMENT),
        ({"weapons": 0.96}, Decision.REVIEW, Category.WEAPONS),
        ({"fraud": 0.92}, Decision.REVIEW, Category.FRAUD),
        ({"sexual": 0.96}, Decision.LABEL, Category.SEXUAL),
    ],
)
def test_the_default_answers_each_signal(probabilities: dict[str, Any], decision: Decision, category: Category) -> None:
    ruling = DEFAULT.decide(POST, judged(**probabilities))
    assert ruling.decision is decision
    assert ruling.categories[0] is category


def test_the_strictest_decides_and_all_are_named_strictest_first() -> None:
    ruling = DEFAULT.decide(POST, judged(ai_generated=0.99, hate=0.95, sexual=0.99))
    assert ruling.decision is Decision.REVIEW
    assert ruling.rules == ("hate", "machine-written", "sexual")
    assert ruling.categories == (Category.HATE, Category.AI_GENERATED, Category.SEXUAL)


def test_an_unsure_interval_keeps_a_likely_falsehood_from_review() -> None:
    assert DEFAULT.decide(POST, judged(misinformation=0.92, width=0.3)).decision is Decision.ALLOW


def test_short_texts_need_more() -> None:
    assert DEFAULT.decide(POST, judged(words=19, ai_generated=0.96)).decision is Decision.ALLOW
    assert DEFAULT.decide(POST, judged(words=20, ai_generated=0.96)).decision is Decision.LABEL


def test_thresholds_differ_by_surface() -> None:
    doubtful = judged(fraud=0.85)
    assert DEFAULT.decide(POST, doubtful).decision is Decision.ALLOW
    assert DEFAULT.decide(replace(POST, surface=Surface.AD), doubtful).decision is Decision.REVIEW


@pytest.mark.parametrize(
    "source_type",
    [
        "trainedAlgorithmicMedia",
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "digsrctype:compositeWithTrainedAlgorithmicMedia",
    ],
)
def test_a_declared_source_type_is_labelled_even_unread(source_type: str) -> None:
    ruling = DEFAULT.decide(replace(POST, context=Context(digital_source_type=source_type)), None)
    assert (ruling.decision, ruling.rules) == (Decision.LABEL, ("declared-machine-made",))


def test_abstention_drops_signals_and_answers_by_surface() -> None:
    sure = judged(words=3, abstained=("ABSTAINED_TOO_SHORT",), misinformation=0.99, ai_generated=0.99)
    ruling = DEFAULT.decide(POST, sure)
    assert (ruling.decision, ruling.rules) == (Decision.ALLOW, ("defaults.abstained",))
    assert DEFAULT.decide(replace(POST, surface=Surface.AD), sure).decision is Decision.REVIEW


def test_a_cry_for_help_is_heard_despite_abstention() -> None:
    ruling = DEFAULT.decide(POST, judged(words=3, abstained=("ABSTAINED_TOO_SHORT",), self_harm=0.9))
    assert (ruling.decision, ruling.rules) == (Decision.REVIEW, ("self-harm", "defaults.abstained"))


@pytest.mark.parametrize("decision", Decision)
def test_the_test_string_asks_for_its_decision(decision: Any) -> None:
    post = replace(POST, text=f"look: ASSAY*STANDARD*TEST*POST*{decision}, thanks")
    for ruling in (DEFAULT.decide(post, None), DEFAULT.decide(post, judged(hate=0.99)), DEFAULT.set_aside(post)):
        assert (ruling.decision, ruling.categories, ruling.rules) == (decision, (Category.TEST,), ("test_string",))
    assert DEFAULT.provisional(post) == DEFAULT.decide(post, None)


@pytest.mark.parametrize("word", ["", "BAN", "REVIEWER", "review"])
def test_other_words_after_the_test_string_ask_for_nothing(word: str) -> None:
    post = replace(POST, text=f"ASSAY*STANDARD*TEST*POST*{word}")
    assert DEFAULT.decide(post, judged()).decision is Decision.ALLOW


def test_the_test_string_can_be_turned_off() -> None:
    post = replace(POST, text="ASSAY*STANDARD*TEST*POST*BLOCK")
    assert replace(DEFAULT, test_string=False).decide(post, judged()).decision is Decision.ALLOW


def test_unjudged_posts_get_the_defaults() -> None:
    assert DEFAULT.provisional(POST) is None
    aside = DEFAULT.set_aside(POST)
    assert (aside.decision, aside.rules) == (Decision.REVIEW, ("defaults.set_aside",))
    kind = replace(DEFAULT, without_worker=dict.fromkeys(Surface, Decision.ALLOW))
    declared = replace(POST, context=Context(digital_source_type="trainedAlgorithmicMedia"))
    provisional = kind.provisional(declared)
    assert provisional is not None
    assert provisional.decision is Decision.LABEL
    assert provisional.rules == ("declared-machine-made", "defaults.provisional")


@pytest.mark.parametrize(
    ("condition", "judgement", "holds"),
    [
        (Words(20), judged(words=20), True),
        (Words(20), judged(words=19), False),
        (Words(0, 20), judged(words=20), False),
        (Words(10, 20).negated(), judged(words=9), True),
        (Words(10, 20).negated(), judged(words=15), False),
        (Among("regions", frozenset({"DE"})), None, True),
        (Among("regions", frozenset({"FR"})).negated(), None, True),
        (Among("locales", frozenset({"de"})), None, True),
        (Among("locales", frozenset({"de-at"})), None, True),
        (Among("locales", frozenset({"de-ch"})), None, False),
        (Among("surfaces", frozenset({"feed", "ad"})), None, True),
        (Abstained(), judged(abstained=("ABSTAINED_LANGUAGE",)), True),
        (Abstained(frozenset({"ABSTAINED_TOO_SHORT"})), judged(abstained=("ABSTAINED_LANGUAGE",)), False),
        (Abstained().negated(), judged(), True),
        (SignalBound("hate", Threshold(0.5), low=True), judged(hate=0.52), False),
        (SignalBound("hate", Threshold(0.5)).negated(), judged(hate=0.4), True),
        (AnyOf((Words(100), at_least("hate", 0.5))), judged(hate=0.6), True),
        (AllOf((Words(100), at_least("hate", 0.5))).negated(), judged(hate=0.6), True),
    ],
)
def test_conditions(condition: Any, judgement: Judgement | None, holds: bool) -> None:
    assert condition.holds(POST, judgement) is holds


def test_obfuscation_is_counted_by_kind_and_in_all() -> None:
    hidden = replace(judged(), evidence=Evidence(obfuscation={"homoglyph": 2, "format_character": 3}))
    assert Obfuscation("homoglyph", 2).holds(POST, hidden)
    assert not Obfuscation("homoglyph", 3).holds(POST, hidden)
    assert Obfuscation("", 5).holds(POST, hidden)
    assert Obfuscation("", 6).negated().holds(POST, hidden)


def test_what_is_unknown_neither_holds_nor_fails() -> None:
    unknown = replace(judged(), signals={})
    for condition in (at_least("hate", 0.5), AllOf((at_least("hate", 0.5), at_least("fraud", 0.5)))):
        assert not condition.holds(POST, unknown)
        assert not condition.negated().holds(POST, unknown)
    for other in (Words(3), Abstained(), Obfuscation("", 1)):
        assert not other.holds(POST, None)
        assert not other.negated().holds(POST, None)


CONDITIONS = st.recursive(
    st.one_of(
        st.builds(at_least, st.sampled_from(SIGNALS), st.floats(0, 1)),
        st.builds(Words, st.integers(1, 60)),
        st.builds(Among, st.just("regions"), st.frozensets(st.sampled_from(["DE", "FR", ""]))),
        st.builds(Abstained),
        st.builds(Obfuscation, st.sampled_from(["", *OBFUSCATIONS]), st.integers(1, 5)),
        st.builds(ClaimBound, st.frozensets(st.sampled_from(Relation)), st.builds(Threshold, st.floats(0, 1))),
    ),
    lambda inner: st.builds(AllOf, st.tuples(inner, inner)) | st.builds(AnyOf, st.tuples(inner, inner)),
    max_leaves=8,
)
MATCHES = st.builds(
    Match,
    *map(st.just, ("a", "The moon is cheese.", "False")),
    st.sampled_from(Rating),
    *map(st.just, ("P", "https://p/a")),
    st.floats(0, 1),
    st.sampled_from(Relation),
    st.floats(0, 1),
)
JUDGEMENTS = st.none() | st.builds(
    lambda judgement, matches: fused(replace(judgement, evidence=Evidence(matches=tuple(matches)))),
    st.builds(
        judged,
        st.integers(0, 100),
        st.sampled_from([(), ("ABSTAINED_TOO_SHORT",)]),
        **{name: st.floats(0, 1) for name in SIGNALS},
    ),
    st.lists(MATCHES, max_size=2),
)


@given(CONDITIONS, JUDGEMENTS)
def test_a_condition_and_its_negation_never_both_hold(condition: Any, judgement: Judgement | None) -> None:
    both = (condition.holds(POST, judgement), condition.negated().holds(POST, judgement))
    assert both != (True, True)
    if judgement is not None:
        assert True in both
    assert condition.negated().negated().holds(POST, judgement) is both[0]


@given(st.text(), JUDGEMENTS, st.sampled_from(Surface))
def test_every_post_gets_a_ruling_of_the_default(text: str, judgement: Judgement | None, surface: Surface) -> None:
    post = replace(POST, text=text, surface=surface)
    ruling = DEFAULT.decide(post, judgement)
    assert ruling == DEFAULT.decide(post, judgement)
    if "ASSAY" not in text:
        assert ruling.decision.severity <= Decision.REVIEW.severity
        assert ruling.decision is not Decision.REDUCE


@given(JUDGEMENTS.filter(bool), st.floats(0, 1))
def test_machine_writing_alone_is_never_more_than_labelled(judgement: Judgement, probability: float) -> None:
    human = replace(judgement, signals={**judgement.signals, "ai_generated": Signal("ai_generated", 0, 0, 0, 0)})
    machine = replace(judgement, signals={**judgement.signals, "ai_generated": Signal("ai_generated", 1, 0, 1, 1)})
    before, after = DEFAULT.decide(POST, human).decision, DEFAULT.decide(POST, machine).decision
    assert after.severity <= max(before.severity, Decision.LABEL.severity)


@pytest.mark.parametrize(
    ("when", "then", "category", "complaint"),
    [
        (at_least("hate", 0.9), Decision.BLOCK, Category.HATE, "certified error bound"),
        (at_least("hate", 0.9), Decision.REDUCE, Category.HATE, "fewer than 20 words"),
        (AllOf((at_least("hate", 0.9), Words(19))), Decision.REDUCE, Category.HATE, "fewer than 20 words"),
        (AnyOf((at_least("hate", 0.9), Words(20))), Decision.REDUCE, Category.HATE, "fewer than 20 words"),
        (at_least("ai_generated", 0.99), Decision.REVIEW, Category.AI_GENERATED, "never itself a violation"),
        (
            AnyOf((at_least("ai_generated", 0.99), at_least("fraud", 0.9))),
            Decision.REVIEW,
            Category.FRAUD,
            "never itself a violation",
        ),
        (
            AllOf((at_least("ai_generated", 0.99), at_least("fraud", 0.1))),
            Decision.REVIEW,
            Category.FRAUD,
            "never itself a violation",
        ),
        (
            Among("digital_source_types", frozenset({"trainedAlgorithmicMedia"})),
            Decision.REVIEW,
            Category.AI_GENERATED,
            "never itself a violation",
        ),
        (
            at_least("ai_generated", 0.9),
            Decision.LABEL,
            Category.AI_GENERATED_MISINFORMATION,
            "AI_GENERATED_MISINFORMATION without misinformation",
        ),
        (
            at_least("misinformation", 0.9),
            Decision.LABEL,
            Category.AI_GENERATED_MISINFORMATION,
            "AI_GENERATED_MISINFORMATION without ai_generated",
        ),
        (at_least("ai_generated", 0.9), Decision.LABEL, Category.MISINFORMATION, "MISINFORMATION without"),
        (at_least("misinformation", 0.1), Decision.LABEL, Category.MISINFORMATION, "MISINFORMATION without"),
        (at_least("hate", 0.9), Decision.LABEL, Category.TEST, "belongs to the test string"),
        (at_least("hate", 0.9), Decision.LABEL, None, "is missing"),
    ],
)
def test_no_policy_may_say(when: Any, then: Decision, category: Category | None, complaint: str) -> None:
    with pytest.raises(PolicyInvalid, match=complaint):
        rule(when, then, category)


def test_a_long_enough_text_may_be_reduced_and_a_surface_blocked() -> None:
    reduce = rule(AllOf((at_least("hate", 0.9), Words(20, 400))), Decision.REDUCE)
    block = rule(AllOf((Among("surfaces", frozenset({"ad"})), Among("regions", frozenset({"DE"})))), Decision.BLOCK)
    policy = with_rules(reduce, block)
    assert policy.decide(POST, judged(hate=0.95)).decision is Decision.REDUCE
    assert policy.decide(replace(POST, surface=Surface.AD), judged()).decision is Decision.BLOCK


def test_an_allow_rule_is_named_and_overrules_nothing() -> None:
    allow = replace(rule(Words(1), Decision.ALLOW, None), name="fine")
    ruling = with_rules(allow, rule(at_least("hate", 0.9))).decide(POST, judged(hate=0.95))
    assert (ruling.decision, ruling.rules, ruling.categories) == (
        Decision.LABEL,
        ("the-rule", "fine"),
        (Category.HATE,),
    )


def test_the_version_depends_on_content_alone() -> None:
    text = """
    name: a
    schema: 1
    description: d
    defaults: {abstained: ALLOW, set_aside: REVIEW}
    rules: [{name: r, when: {words: {at_least: 3}}, then: LABEL, category: HATE, reason: why}]
    """
    same = text.replace("{abstained: ALLOW, set_aside: REVIEW}", "{set_aside: 'REVIEW', abstained: ALLOW}  # note")
    assert parse(text).version == parse(same).version
    assert parse(text).version != parse(text.replace("at_least: 3", "at_least: 4")).version
