"""How a matched claim moves `misinformation`, and that nothing of it stays when the match no longer counts."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.claim import DEBUNKED, Match, Rating, Relation
from service.domain.fusing import SIGNAL, fused
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span

SPANS = (Span(0, 4, SIGNAL, 0.7), Span(5, 9, SIGNAL, -0.2), Span(0, 9, "ai_generated", 2.0))
REST = Remainder(SIGNAL, 0.3, -0.1)


def match(
    relation: Relation = Relation.REPEATS,
    rating: Rating = Rating.FALSE,
    score: float = 0.9,
    p_relation: float = 0.8,
    **fields: Any,
) -> Match:
    whole = Match("a", "The moon is cheese.", "False", rating, "P", "https://p/a", score, relation, p_relation)
    return whole._replace(**fields)


def judged(p: float, *matches: Match, low: float | None = None, high: float | None = None) -> Judgement:
    """A judgement whose spans and remainder add up to the raw score of its text."""
    raw = round(REST.base + REST.rest + 0.7 - 0.2, 4)
    text = Signal(SIGNAL, p, raw, p / 2 if low is None else low, (1 + p) / 2 if high is None else high)
    return Judgement(
        content_digest="c",
        model_version="m",
        claims_version="v",
        signals={SIGNAL: text, "ai_generated": Signal("ai_generated", 0.4, -0.4, 0.3, 0.5)},
        evidence=Evidence(SPANS, remainders=(REST,), matches=matches),
        words=30,
    )


def probability(judgement: Judgement) -> float:
    return judgement.signals[SIGNAL].probability


FOUR = st.integers(0, 10_000).map(lambda number: number / 10_000)
PROBABILITIES = st.lists(FOUR, min_size=3, max_size=3).map(sorted)
MATCHES = st.builds(
    match,
    st.sampled_from(Relation),
    st.sampled_from(Rating),
    st.floats(0, 1),
    st.floats(0, 1),
    claim_id=st.sampled_from("abc"),
    abstained=st.booleans(),
    quarantined=st.booleans(),
)


@st.composite
def judgements(draw: st.DrawFn) -> Judgement:
    low, p, high = draw(PROBABILITIES)
    return judged(p, *draw(st.lists(MATCHES, max_size=4)), low=low, high=high)


@pytest.mark.parametrize(
    ("p", "found", "expected"),
    [
        (0.20, match(), 0.72 * 0.97 + 0.28 * 0.20),
        (0.20, match(rating=Rating.MISLEADING), 0.72 * 0.85 + 0.28 * 0.20),
        (0.60, match(rating=Rating.TRUE), 0.72 * 0.05 + 0.28 * 0.60),
        (0.90, match(Relation.REBUTS), 0.72 * 0.05 + 0.28 * 0.90),
        (0.90, match(Relation.REBUTS, Rating.MISLEADING), 0.72 * 0.05 + 0.28 * 0.90),
        (0.30, match(score=1.0, p_relation=1.0), 0.97),
        (0.03, match(Relation.REBUTS), 0.03),
        (0.03, match(rating=Rating.TRUE), 0.03),
        (0.99, match(), 0.99),
        (0.95, match(rating=Rating.MISLEADING), 0.95),
    ],
)
def test_the_formula(p: float, found: Match, expected: float) -> None:
    assert probability(fused(judged(p, found))) == pytest.approx(expected, abs=1e-4)


def test_the_interval_moves_by_as_many_logits() -> None:
    signal = fused(judged(0.5, match(score=1.0, p_relation=1.0), low=0.3, high=0.7)).signals[SIGNAL]
    odds = 0.97 / 0.03  # by which those of 1/2 were multiplied
    assert signal.low == pytest.approx(odds * 3 / 7 / (1 + odds * 3 / 7), abs=1e-4)
    assert signal.high == pytest.approx(odds * 7 / 3 / (1 + odds * 7 / 3), abs=1e-4)


def test_one_match_weighs_the_likeliest() -> None:
    after = fused(judged(0.5, match(Relation.DISCUSSES), match(score=0.5), match(Relation.REBUTS), match(score=0.6)))
    assert [bool(found.weight) for found in after.evidence.matches] == [False, False, True, False]
    assert probability(after) < 0.5


@pytest.mark.parametrize(
    "found",
    [
        match(Relation.DISCUSSES),
        match(Relation.UNRELATED),
        match(rating=Rating.UNRATED),
        match(Relation.REBUTS, Rating.UNRATED),
        match(Relation.REBUTS, Rating.TRUE),
        match(abstained=True),
        match(quarantined=True),
        match(score=0.0),
    ],
)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_what_moves_nothing(p: float, found: Match) -> None:
    before = judged(p, found)
    assert fused(before) == before


@given(
    FOUR, st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), st.floats(0, 1), st.sampled_from(sorted(DEBUNKED))
)
@pytest.mark.parametrize("field", ["score", "p_relation"])
def test_the_surer_the_match_the_further_it_moves(
    field: str, p: float, ends: list[float], other: float, rating: Rating
) -> None:
    at = match(rating=rating, score=other, p_relation=other)
    less, more = (at._replace(**cast("dict[str, Any]", {field: value})) for value in ends)
    assert probability(fused(judged(p, less))) <= probability(fused(judged(p, more))) + 1e-4
    less, more = (found._replace(relation=Relation.REBUTS) for found in (less, more))
    assert probability(fused(judged(p, less))) >= probability(fused(judged(p, more))) - 1e-4


@given(FOUR, st.sampled_from(Rating), st.floats(0, 1), st.floats(0, 1))
def test_a_rebuttal_never_raises_and_repeating_a_debunked_claim_never_lowers(
    p: float, rating: Rating, score: float, p_relation: float
) -> None:
    slack = 1e-4  # to which a text's own probability is held away from 0 and 1
    assert probability(fused(judged(p, match(Relation.REBUTS, rating, score, p_relation)))) <= p + slack
    repeated = probability(fused(judged(p, match(Relation.REPEATS, rating, score, p_relation))))
    assert repeated >= p - slack if rating in DEBUNKED else repeated <= p + slack


@given(judgements())
@example(judged(0.0, match(p_relation=0.02), low=0.0, high=0.0))
@example(judged(1.0, match(Relation.REBUTS, p_relation=0.02), low=0.0, high=1.0))
def test_twice_is_as_once(before: Judgement) -> None:
    once = fused(before)
    assert fused(once) == once


@given(judgements())
def test_quarantine_brings_back_what_the_text_alone_says(before: Judgement) -> None:
    undone = fused(fused(before), {"a", "b", "c"})
    assert undone.signals[SIGNAL][1:] == pytest.approx(before.signals[SIGNAL][1:], abs=5e-4)
    assert all(found.quarantined and not found.weight for found in undone.evidence.matches)


def test_quarantine_of_the_likeliest_makes_the_next_one_weigh() -> None:
    first, second = match(claim_id="a"), match(claim_id="b", score=0.5)
    without = fused(fused(judged(0.2, first, second)), {"a"})
    assert without.signals == fused(judged(0.2, second)).signals
    assert [found.quarantined for found in without.evidence.matches] == [True, False]


def test_a_heavy_rebuttal_undone_leaves_no_trace_on_the_interval() -> None:
    before = judged(0.99, match(Relation.REBUTS, score=1.0, p_relation=1.0), low=0.001, high=0.9999)
    assert fused(fused(before), {"a"}).signals == before.signals


@given(judgements())
def test_the_parts_add_up_and_the_interval_keeps_its_order(before: Judgement) -> None:
    after = fused(before)
    signal = after.signals[SIGNAL]
    weights = [found.weight for found in after.evidence.matches]
    spans = [span.weight for span in after.evidence.spans if span.signal == SIGNAL]
    assert signal.raw == pytest.approx(REST.base + REST.rest + sum(spans) + sum(weights), abs=1e-3)
    assert 0 <= signal.low <= signal.probability <= signal.high <= 1
    assert after.signals["ai_generated"] == before.signals["ai_generated"]


def test_a_judgement_without_matches_is_left_alone() -> None:
    before = judged(0.5)
    assert fused(before, {"a"}) is before


def test_a_bundle_without_the_signal_still_marks_what_is_quarantined() -> None:
    before = judged(0.5, match())
    blind = replace(before, signals={"ai_generated": before.signals["ai_generated"]})
    assert fused(blind).evidence.matches == (match(),)
    assert fused(blind, {"a"}).evidence.matches == (match(quarantined=True),)
    assert fused(blind, {"a"}).signals == blind.signals
