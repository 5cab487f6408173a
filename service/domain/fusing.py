"""Combines what a matched claim says about a post's truth with what its text says. Pure.

By the law of total probability: with t the probability that the post repeats the claim (that it is about the claim,
times that of the relation), misinformation is `FALSITY` of the claim's rating where it does, and the text's own
probability where it does not:

    p' = t * FALSITY[rating] + (1 - t) * p

A post that rebuts a claim rated false or misleading is misinformation no likelier than `REBUTTAL`. Repeating such a
claim never lowers p, and rebutting one or repeating a true one never raises it: where the text alone says more than
the constant, p replaces it. One match counts: the likeliest that repeats or rebuts. Matches that abstained,
quarantined claims and unknown ratings don't.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import replace
from math import log

from service.domain.claim import DEBUNKED, Match, Rating, Relation
from service.domain.judgement import Judgement, Signal
from service.domain.log_odds import sigmoid

FALSITY = {Rating.FALSE: 0.97, Rating.MISLEADING: 0.85, Rating.TRUE: 0.05}
"""How likely a post that repeats a claim so rated is to mislead: a choice, as no labelled set shows it."""

REBUTTAL = 0.05
"""How likely a post that rebuts a debunked claim is to mislead at most: a choice too."""

SIGNAL = "misinformation"
_DIGITS = 4  # of a text's own figures; moved ones are not rounded, so that undoing finds these again
_CLOSEST = 1e-4  # to 0 and 1 that a text's own probability counts as, so that weights in logits stay finite
_CLOSEST_MOVED = 1e-12  # that a moved one can come


def fused(judgement: Judgement, quarantined: Collection[str] = ()) -> Judgement:
    """`judgement` with `misinformation` moved by its matches, those of `quarantined` claim ids marked and ignored.

    What was fused before is undone first, so that a match that no longer counts leaves no trace.
    """
    matches = tuple(
        match._replace(weight=0.0, quarantined=match.quarantined or match.claim_id in quarantined)
        for match in judgement.evidence.matches
    )
    if not matches:
        return judgement
    signals = dict(judgement.signals)
    if SIGNAL in signals:
        text = _text_only(signals[SIGNAL], sum(match.weight for match in judgement.evidence.matches))
        best = max(range(len(matches)), key=lambda place: _certainty(matches[place]))
        weight = _weight(text.probability, matches[best])
        matches = (*matches[:best], matches[best]._replace(weight=weight), *matches[best + 1 :])
        signals[SIGNAL] = _moved(text, weight)
    return replace(judgement, signals=signals, evidence=replace(judgement.evidence, matches=matches))


def _certainty(match: Match) -> float:
    """How likely the match holds, if it counts; else 0."""
    weighs = match.relation is Relation.REPEATS or (match.relation is Relation.REBUTS and match.rating in DEBUNKED)
    if not weighs or match.abstained or match.quarantined or match.rating not in FALSITY:
        return 0.0
    return match.score * match.p_relation


def _weight(own: float, match: Match) -> float:
    """How far the match moves the text's own probability, in logits."""
    sure, p = _certainty(match), _held(own, _CLOSEST)
    return round(_logit(sure * _there(p, match) + (1 - sure) * p) - _logit(p), _DIGITS) if sure else 0.0


def _there(p: float, match: Match) -> float:
    """How likely the post misleads where the match holds."""
    if match.relation is Relation.REBUTS:
        return min(p, REBUTTAL)
    return (max if match.rating in DEBUNKED else min)(p, FALSITY[match.rating])


def _moved(text: Signal, by: float) -> Signal:
    """The text's own signal moved by these logits, with its interval."""
    if not by:
        return text
    probability, low, high = (sigmoid(_logit(value) + by) for value in (text.probability, text.low, text.high))
    return Signal(text.name, probability, round(text.raw + by, _DIGITS), low, high)


def _text_only(signal: Signal, by: float) -> Signal:
    """The text's own signal, which matches have moved by these logits."""
    if not by:
        return signal
    ends = signal.probability, signal.low, signal.high
    probability, low, high = (round(sigmoid(_logit(value, _CLOSEST_MOVED) - by), _DIGITS) for value in ends)
    return Signal(signal.name, probability, round(signal.raw - by, _DIGITS), low, high)


def _logit(p: float, closest: float = _CLOSEST) -> float:
    held = _held(p, closest)
    return log(held / (1 - held))


def _held(p: float, closest: float) -> float:
    return min(max(p, closest), 1 - closest)


def quarantined(judgement: Judgement) -> frozenset[str]:
    """The ids of the claims that the judgement ignores as quarantined."""
    return frozenset(match.claim_id for match in judgement.evidence.matches if match.quarantined)


def passing_over(judgement: Judgement, claim_ids: AbstractSet[str]) -> Judgement:
    """`judgement` with those claims ignored too; itself where they are already."""
    return judgement if claim_ids <= quarantined(judgement) else fused(judgement, claim_ids)
