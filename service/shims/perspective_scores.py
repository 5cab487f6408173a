"""Perspective's JSON: the answer to `comments:analyze`. Pure.

Spans count UTF-16 code units, as Perspective's do. Without `spanAnnotations`, or where the evidence names no span, one
span covers the comment.
"""

import math
from collections.abc import Iterable

from service.domain.judgement import Judgement, Signal
from service.domain.log_odds import sigmoid
from service.shims.perspective import PROBABILITY, UNDETERMINED, Analysis, Json, present
from service.shims.texts import Offsets, utf16_length

_LEAST = 1e-6


def analyzed(analysis: Analysis, judgement: Judgement, languages: Iterable[str]) -> Json:
    """The answer to a call. `languages` are those that the bundle knows: what a text is in when nobody says."""
    known = sorted(languages)
    detected = () if analysis.languages else (known[0] if len(known) == 1 else UNDETERMINED,)
    offsets = Offsets(analysis.text)
    scores = {}
    for name, mapped in analysis.attributes.items():
        signal, least = mapped.signal_in(judgement), analysis.thresholds.get(name, 0.0)
        if signal is not None and signal.probability >= least:
            scores[name] = _scores(analysis, judgement, signal, offsets, least)
    return present(
        attributeScores=scores,
        languages=list(analysis.languages or detected),
        detectedLanguages=list(detected),
        clientToken=analysis.token,
    )


def _scores(analysis: Analysis, judgement: Judgement, signal: Signal, offsets: Offsets, least: float) -> Json:
    spans = _evident_spans(judgement, signal, offsets) if analysis.spans else []
    spans = spans or [_span(0, utf16_length(analysis.text), signal.probability)]
    return {
        "spanScores": [span for span in spans if span["score"]["value"] >= least],
        "summaryScore": _score(signal.probability),
    }


def _evident_spans(judgement: Judgement, signal: Signal, offsets: Offsets) -> list[Json]:
    """The spans that moved the signal, each with the probability of a text that held only this span.

    Its log odds are the summary's without what all other words bring: the account of the evidence adds up.
    """
    evidence = judgement.evidence
    remainder = next((one for one in evidence.remainders if one.signal == signal.name), None)
    if remainder is None:
        return []
    found = []
    whole = _logit(signal.probability)
    for span in sorted(one for one in evidence.spans if one.signal == signal.name):
        others = signal.raw - remainder.base - span.weight
        found.append(_span(*offsets.units(span.start, span.end), sigmoid(whole - others)))
    return found


def _span(begin: int, end: int, value: float) -> Json:
    return {"begin": begin, "end": end, "score": _score(value)}


def _score(value: float) -> Json:
    return {"value": round(value, 6), "type": PROBABILITY}


def _logit(probability: float) -> float:
    within = max(_LEAST, min(1 - _LEAST, probability))
    return math.log(within / (1 - within))
