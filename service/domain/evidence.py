"""Maps a judgement's evidence, whose offsets count bytes of the canonical text, to one post's text as sent."""

from dataclasses import replace

from service.domain.canonical import Alignment
from service.domain.judgement import Evidence, Span, TokenSurprise
from service.domain.verdict import Verdict


def related(verdict: Verdict, text: str) -> Verdict:
    """The verdict with evidence offsets in bytes of `text`."""
    judgement = verdict.judgement
    if judgement is None or not (judgement.evidence.spans or judgement.evidence.surprise):
        return verdict
    evidence = _relate(judgement.evidence, Alignment(text))
    return replace(verdict, judgement=replace(judgement, evidence=evidence))


def _relate(evidence: Evidence, alignment: Alignment) -> Evidence:
    spans = tuple(Span(*alignment.original(s.start, s.end), s.signal, s.weight) for s in evidence.spans)
    surprise = tuple(TokenSurprise(*alignment.original(t.start, t.end), t.bits) for t in evidence.surprise)
    return replace(evidence, spans=spans, surprise=surprise)
