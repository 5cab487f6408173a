"""Domain verdicts to messages and back.

A message does not carry the record store's sequence, and carries numbers in single precision.
"""

from datetime import timedelta

from assay.v1 import verdict_pb2

from service.domain.decision import Ruling
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import PostKey, Surface
from service.domain.verdict import Skip, Source, Verdict
from service.errors import InvalidInput
from service.rpc.messages.claim import read_match, write_match
from service.rpc.messages.enums import CATEGORIES, DECISIONS, SOURCES, SURFACES
from service.rpc.messages.times import read_time, write_time


def write_verdict(verdict: Verdict, message: verdict_pb2.Verdict, *, evidence: bool) -> None:
    """Fill the empty `message` with `verdict`, in place since a batch holds many; evidence only when asked for."""
    message.post = verdict.post.name
    message.name = f"{verdict.post.name}/verdict"
    message.fingerprint = verdict.post.fingerprint
    message.content_digest = verdict.content_digest
    message.surface = SURFACES.number(verdict.surface)
    message.source = SOURCES.number(verdict.source)
    message.policy_version = verdict.policy_version
    message.revision = verdict.revision
    _write_ruling(verdict.ruling, message)
    write_time(verdict.decided_at, message.decide_time)
    for stage, seconds in verdict.latency.items():
        message.stage_latency[stage].FromTimedelta(timedelta(seconds=seconds))
    for skip in verdict.skipped:
        message.skipped.add(stage=skip.stage, reason=skip.reason)
    if verdict.judgement is not None:
        _write_judgement(verdict.judgement, message)
        if evidence:
            _write_evidence(verdict.judgement.evidence, message.evidence)


def _write_ruling(ruling: Ruling, message: verdict_pb2.Verdict) -> None:
    message.decision = DECISIONS.number(ruling.decision)
    if ruling.categories:
        message.categories.extend(map(CATEGORIES.number, ruling.categories))
    if ruling.rules:
        message.rules.extend(ruling.rules)
    if ruling.case:
        message.reason, message.case = ruling.reason, ruling.case


def _write_judgement(judgement: Judgement, message: verdict_pb2.Verdict) -> None:
    message.model_version, message.claims_version = judgement.model_version, judgement.claims_version
    message.cluster = judgement.cluster
    message.words = judgement.words
    if judgement.abstained:
        message.abstained.extend(judgement.abstained)
    add = message.signals.add
    for s in judgement.signals.values():
        add(name=s.name, probability=s.probability, raw_score=s.raw, interval_low=s.low, interval_high=s.high)


def _write_evidence(evidence: Evidence, message: verdict_pb2.Evidence) -> None:
    message.SetInParent()  # evidence that was asked for is present even when there is none
    for span in evidence.spans:
        message.spans.add(start_offset=span.start, end_offset=span.end, signal=span.signal, weight=span.weight)
    for token in evidence.surprise:
        message.token_surprises.add(start_offset=token.start, end_offset=token.end, bits=token.bits)
    message.obfuscation.update(evidence.obfuscation)
    for remainder in evidence.remainders:
        message.remainders.add(signal=remainder.signal, base=remainder.base, rest=remainder.rest)
    for match in evidence.matches:
        write_match(match, message.matches.add())


def read_verdict(message: verdict_pb2.Verdict) -> Verdict:
    """The verdict that a server sent, sequence 0. Raises `InvalidInput` for enum numbers of a newer server."""
    return Verdict(
        post=PostKey(message.post, message.fingerprint),
        content_digest=message.content_digest,
        surface=SURFACES.member(message.surface, "surface") or Surface.FEED,
        ruling=_read_ruling(message),
        policy_version=message.policy_version,
        source=SOURCES.member(message.source, "source") or Source.MODEL,
        decided_at=read_time(message.decide_time, "decide_time"),
        judgement=_read_judgement(message) if message.model_version else None,
        skipped=tuple(Skip(skip.stage, skip.reason) for skip in message.skipped),
        latency={stage: latency.ToTimedelta().total_seconds() for stage, latency in message.stage_latency.items()},
        revision=message.revision,
    )


def _read_ruling(message: verdict_pb2.Verdict) -> Ruling:
    decision = DECISIONS.member(message.decision, "decision")
    if decision is None:
        raise InvalidInput("decision", "is missing", "ask a server of this API's version")
    categories = (CATEGORIES.member(number, "categories") for number in message.categories)
    return Ruling(decision, tuple(filter(None, categories)), tuple(message.rules), message.reason, message.case)


def _read_judgement(message: verdict_pb2.Verdict) -> Judgement:
    return Judgement(
        content_digest=message.content_digest,
        model_version=message.model_version,
        claims_version=message.claims_version,
        signals={
            s.name: Signal(s.name, s.probability, s.raw_score, s.interval_low, s.interval_high) for s in message.signals
        },
        evidence=_read_evidence(message.evidence),
        words=message.words,
        abstained=tuple(message.abstained),
        cluster=message.cluster,
    )


def _read_evidence(message: verdict_pb2.Evidence) -> Evidence:
    return Evidence(
        tuple(Span(s.start_offset, s.end_offset, s.signal, s.weight) for s in message.spans),
        tuple(TokenSurprise(t.start_offset, t.end_offset, t.bits) for t in message.token_surprises),
        dict(message.obfuscation),
        tuple(Remainder(remainder.signal, remainder.base, remainder.rest) for remainder in message.remainders),
        tuple(map(read_match, message.matches)),
    )
