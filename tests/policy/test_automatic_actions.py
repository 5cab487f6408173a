"""What a policy may do by itself with a certificate, what it is refused, and when a certificate doesn't count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.decision import Decision
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post, Surface
from service.errors import PolicyInvalid
from service.policy.certificate import Bound, Certificate, WordSpan
from service.policy.document import load, parse
from service.policy.policy import Policy

SPANS = tuple(WordSpan(*span) for span in ((0, 10), (11, 20), (21, 40), (41, 80), (81, None)))
UPPER = {2: 0.97, 3: 0.93, 4: 0.9}
CERTIFICATE = Certificate(
    model_version="m",
    alpha=0.01,
    delta=0.05,
    data="posts",
    made="2026-11-24",
    languages=("en",),
    surfaces=("ad", "feed"),
    negatives_needed=299,
    spans=SPANS,
    bounds={
        (label, surface, span): Bound(120, 900, 0.1, UPPER.get(index)) if surface == "ad" else Bound(9, 40, None, None)
        for label in ("fraud", "hate")
        for surface in ("ad", "feed")
        for index, span in enumerate(SPANS)
    },
)  # fmt: skip

DOCUMENT = """\
schema: 1
name: certified
description: For tests.
defaults: {abstained: ALLOW}
rules:
  - name: scam
    when:
      %s
    then: %s
    category: FRAUD
    reason: A scam.
"""


def policy(when: str, then: str = "BLOCK", certificate: Certificate | None = CERTIFICATE) -> Policy:
    return parse(DOCUMENT % (when, then), certificate)


def judged(probability: float, words: int = 50, version: str = "m") -> Judgement:
    signals = {"fraud": Signal("fraud", probability, 0.0, probability, probability)}
    return Judgement(content_digest="c", model_version=version, signals=signals, words=words)


AD = Post(platform="p", id="1", text="t", surface=Surface.AD)
EITHER = "{signals: {fraud: {at_least: 0.97}}}, {signals: {hate: {at_least: 0.99}}}"
COVERED = "{surfaces: [ad], words: {at_least: 21}, signals: {fraud: {at_least: 0.97}}}"


@pytest.mark.parametrize(
    "when",
    [
        COVERED,
        "{surfaces: [ad], words: {at_least: 41}, signals: {fraud: {at_least: 0.93}}}",
        "{surfaces: [ad], words: {at_least: 41, below: 101}, signals: {fraud: {low_at_least: 0.93}}}",
        f"{{surfaces: [ad], words: {{at_least: 21}}, any: [{EITHER}]}}",
        "{not: {surfaces: [feed, story, reel, comment, bio]}, words: {at_least: 81}, signals: {fraud: {at_least: 1}}}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("then", ["BLOCK", "REDUCE"])
def test_what_the_certificate_covers_may_act(when: Any, then: str) -> None:
    ruling = policy(when, then).decide(AD, judged(1, words=100))
    assert (ruling.decision, ruling.rules) == (Decision(then), ("scam",))


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        (
            "{surfaces: [ad], words: {at_least: 21}, signals: {fraud: {at_least: 0.95}}}",
            "fraud on surface ad with 21 to 40 words is certified from 0.97 on, not 0.95; raise the threshold",
        ),
        ("{surfaces: [ad], signals: {fraud: {at_least: 0.99}}}", "0 to 10 words are too short.*at_least: 21"),
        ("{surfaces: [ad], words: {at_least: 20}, signals: {fraud: {at_least: 0.99}}}", "11 to 20 words are too short"),
        (
            "{surfaces: [feed], words: {at_least: 21}, signals: {fraud: {at_least: 1}}}",
            "fraud on surface feed with 21 to 40 words was seen on 40 posts without it, of 299 needed",
        ),
        (
            "{words: {at_least: 21}, signals: {fraud: {at_least: 1}}}",
            "fraud on surface feed with 21 to 40 words was seen on 40 posts",
        ),
        (
            "{surfaces: [story], words: {at_least: 21}, signals: {fraud: {at_least: 1}}}",
            r"does not cover fraud on surface story with 21 to 40 words \(its surfaces: ad, feed\)",
        ),
        (
            "{surfaces: [ad], words: {at_least: 21}, signals: {sexual: {at_least: 1}}}",
            "does not cover sexual on surface ad",
        ),
        (
            "{surfaces: [ad], words: {at_least: 21}, any: [{signals: {fraud: {at_least: 0.97}}}, {regions: [DE]}]}",
            "not every branch of `when` asks for a signal on surface ad with 21 to 40 words",
        ),
        (
            "{surfaces: [ad], words: {at_least: 21}, obfuscation: {any: 9}}",
            "not every branch of `when` asks for a signal",
        ),
    ],
)
@pytest.mark.parametrize("then", ["BLOCK", "REDUCE"])
def test_what_it_does_not_cover_is_refused_with_rule_figure_and_remedy(when: str, then: str, complaint: str) -> None:
    with pytest.raises(
        PolicyInvalid, match=f"line 9, rules.scam.then: {then} goes beyond the certificate: .*{complaint}"
    ):
        policy(when, then)


def test_an_exception_below_the_certified_threshold_is_refused() -> None:
    text = DOCUMENT % (COVERED.replace("0.97", "sure"), "BLOCK")
    sure = "thresholds: {sure: {value: 0.98, except: [{regions: [DE], value: 0.9}]}}\nrules:"
    with pytest.raises(PolicyInvalid, match=r"certified from 0\.97 on, not 0\.9;"):
        parse(text.replace("rules:", sure), CERTIFICATE)


def test_no_certificate_speaks_of_texts_that_the_classifiers_abstain_on() -> None:
    text = DOCUMENT % (COVERED, "BLOCK") + "    despite_abstention: true\n"
    with pytest.raises(PolicyInvalid, match=r"rules\.scam\.despite_abstention: BLOCK where the classifiers abstain"):
        parse(text, CERTIFICATE)


def test_without_a_certificate_nothing_is_blocked_and_long_texts_may_be_reduced() -> None:
    with pytest.raises(PolicyInvalid, match=r"certified error bound.*ASSAY_CERTIFICATE"):
        policy(COVERED, certificate=None)
    ruling = policy(COVERED, "REDUCE", None).decide(AD, judged(0.99, version="whatever"))
    assert (ruling.decision, ruling.rules) == (Decision.REDUCE, ("scam",))


@pytest.mark.parametrize("then", ["BLOCK", "REDUCE"])
def test_a_judgement_of_another_model_goes_to_a_person_and_says_why(then: str) -> None:
    ruling = policy(COVERED, then).decide(AD, judged(0.99, version="another"))
    assert (ruling.decision, ruling.rules) == (Decision.REVIEW, ("scam.uncertified_model",))


def test_rules_about_the_post_alone_need_no_certificate() -> None:
    for certificate in (None, CERTIFICATE):
        found = policy("{surfaces: [ad], regions: [DE]}", certificate=certificate)
        assert found.decide(Post(platform="p", id="1", text="t", surface=Surface.AD, region="DE"), None).rules == (
            "scam",
        )


def test_the_version_counts_the_certificate_only_where_a_rule_rests_on_it() -> None:
    review = policy(COVERED, "REVIEW"), policy(COVERED, "REVIEW", None)
    assert review[0].version == review[1].version
    assert policy(COVERED, "REDUCE").version != policy(COVERED, "REDUCE", None).version
    assert load(None, CERTIFICATE).version == load().version


@given(
    st.sampled_from([["ad"], ["ad"], ["feed"], ["ad", "feed"]]),
    st.integers(15, 100),
    st.floats(0.85, 1),
    st.integers(0, 200),
    st.floats(0.8, 1),
)
def test_whatever_is_accepted_acts_only_where_it_is_certified(
    surfaces: list[str], at_least: int, threshold: float, words: int, probability: float
) -> None:
    signals = f"signals: {{fraud: {{at_least: {threshold}}}}}"
    try:
        found = policy(f"{{surfaces: [{', '.join(surfaces)}], words: {{at_least: {at_least}}}, {signals}}}")
    except PolicyInvalid:
        assert "feed" in surfaces or at_least < 21 or threshold < 0.97
        return
    for surface in Surface:
        post = Post(platform="p", id="1", text="t", surface=surface)
        if found.decide(post, judged(probability, words)).decision is Decision.BLOCK:
            span = next(span for span in SPANS if span.first <= words and (span.last is None or words <= span.last))
            upper = CERTIFICATE.bounds["fraud", surface, span].upper
            assert upper is not None
            assert probability >= upper


def test_of_several_signals_each_is_told() -> None:
    signals = "{fraud: {at_least: 0.9}, hate: {at_least: 0.95}}"
    with pytest.raises(PolicyInvalid, match=r"0\.97 on, not 0\.9, and hate on surface ad with .* 0\.97 on, not 0\.95;"):
        policy(f"{{surfaces: [ad], words: {{at_least: 21}}, signals: {signals}}}")
