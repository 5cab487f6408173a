"""What a policy does about posts that come near to fact-checked claims, and what it may not do because of one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.claim import Match, Rating, Relation
from service.domain.decision import SIGNALS, Category, Decision
from service.domain.fusing import fused
from service.domain.judgement import Evidence, Judgement, Signal
from service.domain.post import Context, Post, Surface
from service.errors import PolicyInvalid
from service.policy.certificate import Bound, Certificate, WordSpan
from service.policy.conditions import ClaimBound, Threshold
from service.policy.document import DEFAULT, load, parse
from service.policy.policy import Policy

POST = Post(platform="p", id="1", text="t", region="DE")
AD = replace(POST, surface=Surface.AD)
SHIPPED = load()
EXAMPLES = Path(__file__).parents[2] / "deploy" / "policies"
TOO_SHORT = ("ABSTAINED_TOO_SHORT",)
SPANS = tuple(WordSpan(*span) for span in ((0, 10), (11, 20), (21, None)))
CERTIFICATE = Certificate(
    model_version="m",
    alpha=0.01,
    delta=0.05,
    data="posts",
    made="2026-11-24",
    languages=("en",),
    surfaces=("ad",),
    negatives_needed=299,
    spans=SPANS,
    bounds={
        (label, "ad", span): Bound(120, 900, 0.1, 0.9 if span.last is None else None)
        for label in ("fraud", "misinformation")
        for span in SPANS
    },
)

DOCUMENT = """\
schema: 1
name: claims
description: For tests.
defaults: {abstained: ALLOW}
thresholds: {sure: {value: 0.8, except: [{regions: [FR], value: 0.6}]}}
rules:
  - name: claimed
    when:
      %s
    then: %s
    category: %s
    reason: why
"""


def policy(when: str, then: str = "REVIEW", category: str = "FRAUD", certificate: Certificate | None = None) -> Policy:
    return parse(DOCUMENT % (when, then, category), certificate)


def match(
    relation: str = "repeats",
    sure: float = 0.95,
    rating: Rating = Rating.FALSE,
    publisher: str = "Full Fact",
    **fields: Any,
) -> Match:
    found = Match("a", "The moon is cheese.", "No", rating, publisher, "https://p/a", 1.0, Relation(relation), sure)
    return found._replace(**fields)


def judged(
    *matches: Match, words: int = 50, abstained: tuple[str, ...] = (), version: str = "m", **probabilities: float
) -> Judgement:
    values = {name: probabilities.get(name, 0.02) for name in SIGNALS}
    return Judgement(
        content_digest="c",
        model_version=version,
        claims_version="v",
        signals={name: Signal(name, p, 0.0, max(0.0, p - 0.01), min(1.0, p + 0.01)) for name, p in values.items()},
        evidence=Evidence(matches=matches),
        words=words,
        abstained=abstained,
    )


def holds(when: str, judgement: Judgement | None, post: Post = POST) -> bool:
    return policy(when).rules[0].when.holds(post, judgement)


REPEATS = "claims: {relation: repeats, at_least: 0.7}"


@pytest.mark.parametrize(
    ("claims", "found", "expected"),
    [
        ("{relation: repeats, at_least: 0.7}", match(), True),
        ("{relation: repeats, at_least: 0.7}", match(sure=0.7), True),
        ("{relation: repeats, at_least: 0.7}", match(sure=0.9, score=0.7), False),
        ("{relation: repeats, at_least: 0.7}", match(rating=Rating.MISLEADING), True),
        ("{relation: repeats, at_least: 0.7}", match(rating=Rating.TRUE), False),
        ("{relation: repeats, at_least: 0.7}", match(rating=Rating.UNRATED), False),
        ("{relation: repeats, at_least: 0.7}", match("rebuts"), False),
        ("{relation: repeats, at_least: 0.7}", match(abstained=True), False),
        ("{relation: repeats, at_least: 0.7}", match(quarantined=True), False),
        ("{relation: [discusses, rebuts], at_least: 0.7}", match("rebuts"), True),
        ("{relation: [discusses, rebuts], at_least: 0.7}", match(), False),
        ("{relation: repeats, at_least: 0.7, rating: False}", match(rating=Rating.MISLEADING), False),
        ("{relation: repeats, at_least: 0.7, rating: true}", match(rating=Rating.TRUE), True),
        ("{relation: repeats, at_least: 0.7, rating: [Misleading, unrated]}", match(rating=Rating.UNRATED), True),
        ("{relation: repeats, at_least: 0.7, publisher: full fact}", match(), True),
        ("{relation: repeats, at_least: 0.7, publisher: [Snopes, FULL FACT]}", match(), True),
        ("{relation: repeats, at_least: 0.7, publisher: [Snopes]}", match(), False),
    ],
)
def test_which_matches_count(claims: str, found: Any, expected: bool) -> None:
    assert holds(f"claims: {claims}", judged(found)) is expected
    assert holds(f"not: {{claims: {claims}}}", judged(found)) is not expected


def test_one_match_of_several_has_to_meet_it_all() -> None:
    two = judged(match(sure=0.5), match("rebuts"), match(rating=Rating.TRUE), match(publisher="Snopes", sure=0.9))
    assert holds(REPEATS, two)
    assert not holds("claims: {relation: repeats, at_least: 0.7, publisher: [Full Fact]}", two)


def test_a_named_threshold_differs_by_post() -> None:
    named, france = "claims: {relation: repeats, at_least: sure}", replace(POST, region="FR")
    assert not holds(named, judged(match(sure=0.7)))
    assert holds(named, judged(match(sure=0.7)), france)


def test_it_joins_other_conditions() -> None:
    either = f"any: [{{{REPEATS}}}, {{signals: {{fraud: {{at_least: 0.9}}}}}}]"
    both = f"all: [{{{REPEATS}}}, {{words: {{at_least: 20}}}}]"
    assert holds(either, judged(fraud=0.95))
    assert holds(either, judged(match()))
    assert not holds(either, judged(match("discusses")))
    assert holds(both, judged(match()))
    assert not holds(both, judged(match(), words=9))


def test_without_claims_none_is_matched_and_without_a_judgement_nothing_is_known() -> None:
    assert not holds(REPEATS, judged())
    assert holds(f"not: {{{REPEATS}}}", judged())
    assert not holds(REPEATS, None)
    assert not holds(f"not: {{{REPEATS}}}", None)


@given(st.floats(0, 1), st.sampled_from(Relation), st.sampled_from(Rating), st.floats(0, 1), st.floats(0, 1))
def test_it_or_its_negation_holds(
    least: float, relation: Relation, rating: Rating, score: float, p_relation: float
) -> None:
    condition = ClaimBound(frozenset({Relation.REPEATS}), Threshold(least))
    found = judged(match(relation, p_relation, rating, score=score))
    assert condition.holds(POST, found) is not condition.negated().holds(POST, found)
    assert condition.negated().negated() == condition


@pytest.mark.parametrize(
    ("claims", "line", "field", "text"),
    [
        ("{relation: repeats}", 9, "rules[0].when.claims.at_least", "is missing"),
        ("{at_least: 0.7}", 9, "rules[0].when.claims.relation", "is missing"),
        ("repeats", 9, "rules[0].when.claims", "keys and values are needed; use one of relation, at_least"),
        ("{relation: repeat, at_least: 1}", 9, "rules[0].when.claims.relation", "did you mean repeats?"),
        ("{relation: unrelated, at_least: 1}", 9, "rules[0].when.claims.relation", "one of repeats, discusses, rebuts"),
        ("{relation: [rebuts, debunks], at_least: 1}", 9, "rules[0].when.claims.relation[1]", "did you mean rebuts?"),
        ("{relation: [], at_least: 1}", 9, "rules[0].when.claims.relation", "a list is needed; write one or more"),
        ("{relation: repeats, at_least: 7}", 9, "rules[0].when.claims.at_least", "from 0 to 1"),
        ("{relation: repeats, at_least: sury}", 9, "rules[0].when.claims.at_least", "use sure"),
        ("{relation: repeats, at_least: 1, rating: FALS}", 9, "rules[0].when.claims.rating", "did you mean FALSE?"),
        ("{relation: repeats, at_least: 1, rating: []}", 9, "rules[0].when.claims.rating", "a list is needed"),
        ("{relation: repeats, at_least: 1, publisher: ['']}", 9, "rules[0].when.claims.publisher[0]", "text is needed"),
        (
            "{relation: repeats, at_least: 1, below: 1}",
            9,
            "rules[0].when.claims.below",
            "use one of relation, at_least",
        ),
        (
            "\n        relation: repeats\n        atleast: 1",
            11,
            "rules[0].when.claims.atleast",
            "did you mean at_least?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_key_and_remedy(claims: str, line: int, field: str, text: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        policy(f"claims: {claims}")
    assert (caught.value.line, caught.value.field) == (line, field)
    assert text in str(caught.value)
    assert caught.value.remedy


def test_a_claim_is_heard_where_the_classifiers_abstain_on_the_text() -> None:
    short = judged(match(), words=3, abstained=TOO_SHORT, misinformation=0.99)
    ruling = policy(f"{{{REPEATS}}}", category="MISINFORMATION").decide(POST, short)
    assert (ruling.decision, ruling.rules) == (Decision.REVIEW, ("claimed", "defaults.abstained"))
    signals = policy("signals: {misinformation: {at_least: 0.9}}", category="MISINFORMATION")
    assert signals.decide(POST, short).rules == ("defaults.abstained",)


# what no policy may say


@pytest.mark.parametrize("then", ["LABEL", "REVIEW"])
@pytest.mark.parametrize(
    "when",
    [
        REPEATS,
        "claims: {relation: repeats, at_least: 0.5, rating: MISLEADING}",
        "claims: {relation: repeats, at_least: sure, publisher: [Snopes]}",
        f"any: [{{{REPEATS}}}, {{signals: {{misinformation: {{at_least: 0.9}}}}}}]",
    ],
)
def test_repeating_a_debunked_claim_shows_misinformation(when: Any, then: str) -> None:
    ruling = policy(when, then, "MISINFORMATION").decide(
        POST, judged(match(publisher="Snopes", rating=Rating.MISLEADING))
    )
    assert (ruling.decision, ruling.categories) == (Decision(then), (Category.MISINFORMATION,))


@pytest.mark.parametrize(
    "when",
    [
        "claims: {relation: rebuts, at_least: 0.9}",
        "claims: {relation: discusses, at_least: 0.9}",
        "claims: {relation: [repeats, discusses], at_least: 0.9}",
        "claims: {relation: repeats, at_least: 0.49}",
        "claims: {relation: repeats, at_least: 0.9, rating: [FALSE, UNRATED]}",
        "claims: {relation: repeats, at_least: 0.9, rating: TRUE}",
        f"not: {{{REPEATS}}}",
        f"any: [{{{REPEATS}}}, {{claims: {{relation: discusses, at_least: 0.9}}}}]",
    ],
)
@pytest.mark.parametrize("category", ["MISINFORMATION", "AI_GENERATED_MISINFORMATION"])
def test_anything_else_about_a_claim_does_not(when: str, category: str) -> None:
    with pytest.raises(PolicyInvalid, match=f"line 11, rules.claimed.category: {category} without "):
        policy(when, "LABEL", category)
    assert policy(when, "LABEL", "FRAUD").rules


def test_an_exception_below_even_does_not_show_misinformation_either() -> None:
    text = DOCUMENT % ("claims: {relation: repeats, at_least: sure}", "LABEL", "MISINFORMATION")
    assert parse(text).rules
    with pytest.raises(PolicyInvalid, match="MISINFORMATION without misinformation"):
        parse(text.replace("value: 0.6", "value: 0.4"))


def test_both_axes_still_need_both() -> None:
    machine = "signals: {ai_generated: {at_least: 0.9}}"
    with pytest.raises(PolicyInvalid, match="AI_GENERATED_MISINFORMATION without ai_generated"):
        policy(REPEATS, "LABEL", "AI_GENERATED_MISINFORMATION")
    with pytest.raises(PolicyInvalid, match="AI_GENERATED_MISINFORMATION without misinformation"):
        policy(machine, "LABEL", "AI_GENERATED_MISINFORMATION")
    both = policy(f"{{{REPEATS}, {machine}}}", "REVIEW", "AI_GENERATED_MISINFORMATION")
    assert both.decide(POST, judged(match(), ai_generated=0.95)).rules == ("claimed",)
    with pytest.raises(PolicyInvalid, match="never itself a violation"):
        policy(f"{{claims: {{relation: discusses, at_least: 0.9}}, {machine}}}", "REVIEW", "AI_GENERATED")


COVERED = "surfaces: [ad], words: {at_least: 21}, signals: {fraud: {at_least: 0.9}}"
LONG = "surfaces: [ad], words: {at_least: 21}"


@pytest.mark.parametrize(
    ("when", "then", "certificate", "complaint"),
    [
        (f"{{{LONG}, {REPEATS}}}", "BLOCK", None, "BLOCK on a judgement needs a certified error bound"),
        (f"{{{LONG}, {REPEATS}}}", "REDUCE", None, "REDUCE because of a claim needs a certificate"),
        (f"{{{COVERED}, {REPEATS}}}", "REDUCE", None, "REDUCE because of a claim needs a certificate"),
        (f"{{{LONG}, {REPEATS}}}", "BLOCK", CERTIFICATE, "not every branch of `when` asks for a signal on surface ad"),
        (f"{{{LONG}, {REPEATS}}}", "REDUCE", CERTIFICATE, "not every branch of `when` asks for a signal on surface ad"),
        (
            f"{{{LONG}, any: [{{{REPEATS}}}, {{signals: {{fraud: {{at_least: 0.9}}}}}}]}}",
            "BLOCK",
            CERTIFICATE,
            "not every branch of `when` asks for a signal",
        ),
        (f"{{{COVERED.replace('0.9', '0.8')}, {REPEATS}}}", "BLOCK", CERTIFICATE, "certified from 0.9 on, not 0.8"),
    ],
)
def test_nothing_is_reduced_or_blocked_because_of_a_claim(
    when: str, then: str, certificate: Any, complaint: str
) -> None:
    with pytest.raises(PolicyInvalid, match=f"line 10, rules.claimed.then: .*{complaint}"):
        policy(when, then, certificate=certificate)


def test_a_claim_may_spare_a_post_without_a_certificate() -> None:
    spared = policy(f"{{{COVERED}, not: {{claims: {{relation: rebuts, at_least: 0.7}}}}}}", "REDUCE")
    assert spared.decide(AD, judged(fraud=0.95)).decision is Decision.REDUCE
    assert spared.decide(AD, judged(match("rebuts"), fraud=0.95)).decision is Decision.ALLOW


@pytest.mark.parametrize("then", ["REDUCE", "BLOCK"])
def test_beside_a_certified_signal_a_claim_may_narrow(then: str) -> None:
    narrowed = policy(f"{{{COVERED}, {REPEATS}}}", then, certificate=CERTIFICATE)
    weighed = fused(judged(match(), fraud=0.95))
    assert weighed.evidence.matches[0].weight
    assert narrowed.decide(AD, weighed).rules == ("claimed",)  # the claim moved another signal
    assert narrowed.decide(AD, weighed).decision is Decision(then)
    assert narrowed.decide(AD, judged(fraud=0.95)).decision is Decision.ALLOW


FALSE_ADS = f"{{{LONG}, signals: {{misinformation: {{at_least: 0.9}}}}}}"


@pytest.mark.parametrize(("then", "certificate"), [("BLOCK", CERTIFICATE), ("REDUCE", CERTIFICATE), ("REDUCE", None)])
def test_a_signal_that_a_claim_moved_goes_to_a_person_and_says_why(then: str, certificate: Any) -> None:
    rules = policy(FALSE_ADS, then, "MISINFORMATION", certificate)
    by_text = judged(match(quarantined=True), match("discusses"), misinformation=0.95)
    assert rules.decide(AD, fused(by_text)).decision is Decision(then)
    ruling = rules.decide(AD, fused(judged(match(), misinformation=0.3)))
    assert (ruling.decision, ruling.rules) == (Decision.REVIEW, ("claimed.moved_by_claim",))
    assert rules.decide(
        AD,
        fused(judged(match(), misinformation=0.3)),
    ).categories == (Category.MISINFORMATION,)


def test_of_another_model_the_certificate_comes_first() -> None:
    rules = policy(FALSE_ADS, "BLOCK", "MISINFORMATION", CERTIFICATE)
    moved = fused(judged(match(), misinformation=0.3, version="another"))
    assert rules.decide(AD, moved).rules == ("claimed.uncertified_model",)


def test_a_person_or_a_label_needs_no_such_care() -> None:
    rules = policy(FALSE_ADS, "LABEL", "MISINFORMATION")
    ruling = rules.decide(AD, fused(judged(match(), misinformation=0.3)))
    assert (ruling.decision, ruling.rules) == (Decision.LABEL, ("claimed",))


# the shipped policies


@pytest.mark.parametrize(
    ("found", "decision", "rules"),
    [
        (match(), Decision.REVIEW, ("misinformation", "debunked-claim", "may-be-debunked-claim")),
        (match(sure=0.75), Decision.REVIEW, ("debunked-claim", "may-be-debunked-claim")),
        (match(sure=0.55), Decision.LABEL, ("may-be-debunked-claim",)),
        (match(sure=0.45), Decision.ALLOW, ()),
        (match(rating=Rating.TRUE), Decision.ALLOW, ()),
        (match("rebuts"), Decision.ALLOW, ()),
        (match("discusses"), Decision.ALLOW, ()),
        (match(abstained=True), Decision.ALLOW, ()),
        (match(quarantined=True), Decision.ALLOW, ()),
    ],
)
def test_the_default_sends_repeated_claims_to_a_person_and_leaves_others_alone(
    found: Any, decision: Decision, rules: tuple[Any, ...]
) -> None:
    ruling = SHIPPED.decide(POST, fused(judged(found, misinformation=0.2)))
    assert (ruling.decision, set(ruling.rules)) == (decision, set(rules))
    assert set(ruling.categories) <= {Category.MISINFORMATION}


def test_a_rebuttal_that_reads_like_the_rumour_is_left_alone() -> None:
    rumour = judged(misinformation=0.97)
    assert SHIPPED.decide(POST, fused(rumour)).decision is Decision.REVIEW
    rebuttal = judged(match("rebuts", sure=0.8), misinformation=0.97)
    assert SHIPPED.decide(POST, fused(rebuttal)).decision is Decision.ALLOW
    torn = judged(match("rebuts", sure=0.8), match(sure=0.6), misinformation=0.2)
    assert SHIPPED.decide(POST, fused(torn)).decision is Decision.ALLOW


@pytest.mark.parametrize("path", [DEFAULT, *sorted(EXAMPLES.glob("*.yaml"))], ids=lambda path: path.stem)
def test_every_shipped_policy_joins_both_axes_and_flags_the_claim(path: Path) -> None:
    shipped, repeated = load(path), fused(judged(match(), ai_generated=0.99))
    for post in (POST, AD):
        human = shipped.decide(post, fused(judged(match())))
        assert human.decision in {Decision.LABEL, Decision.REVIEW}
        assert human.categories == (Category.MISINFORMATION,)
        spared = shipped.decide(post, fused(judged(match("rebuts"), misinformation=0.95)))
        assert spared.decision is Decision.ALLOW
    assert Category.AI_GENERATED_MISINFORMATION in shipped.decide(AD, repeated).categories


def test_a_declared_machine_that_repeats_a_debunked_claim_is_told_from_a_short_text() -> None:
    declared = replace(POST, context=Context(digital_source_type="trainedAlgorithmicMedia"))
    ruling = SHIPPED.decide(declared, fused(judged(match(), words=3, abstained=TOO_SHORT)))
    assert ruling.decision is Decision.REVIEW
    assert ruling.categories[0] is Category.AI_GENERATED_MISINFORMATION
