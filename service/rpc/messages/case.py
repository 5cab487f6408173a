"""Cases, decisions, notes and appeals to messages, and what is asked about them back."""

import re
from datetime import timedelta

from assay.v1 import appeal_service_pb2, review_service_pb2
from assay.v1 import review_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from service.domain.decision import Decision
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.review.appeal import Appeal, AppealState
from service.review.case import (
    Case,
    CaseDecision,
    CaseFilter,
    CaseKind,
    CaseState,
    Note,
    QueueState,
    Ruled,
    Scope,
)
from service.rpc.messages.enums import CATEGORIES, DECISIONS, SURFACES, EnumTable
from service.rpc.messages.filter import read_members
from service.rpc.messages.times import write_time

CASE_KINDS = EnumTable(CaseKind, review_service_pb2.CaseKind.Value, "CASE_KIND")
CASE_STATES = EnumTable(CaseState, review_service_pb2.CaseState.Value, "CASE_STATE")
SCOPES = EnumTable(Scope, review_service_pb2.DecisionScope.Value, "DECISION_SCOPE")
APPEAL_STATES = EnumTable(AppealState, appeal_service_pb2.AppealState.Value, "APPEAL_STATE")

_WORDS, _MOST = 256, 64
_ID = re.compile(r"[!-.0-~]{1,64}")


def read_name(name: str, kind: str, field: str = "name") -> str:
    """The id in `{kind}/{id}`. Raises `InvalidInput` naming `field`."""
    prefix, _, identity = name.partition("/")
    if prefix != kind or not _ID.fullmatch(identity):
        problem = f"{name[:80]!r} is not {kind}/{{{kind[:-1]}}}" if name else "is missing"
        raise InvalidInput(field, problem, f"send a name such as {kind}/3f2a9c1e7b5d4608")
    return identity


def read_case_filter(message: pb.CaseFilter) -> CaseFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.categories[0]`."""
    for name in ("queues", "regions", "languages"):
        given = getattr(message, name)
        if len(given) > _MOST:
            raise InvalidInput(f"filter.{name}", f"holds {len(given)}, over {_MOST}", "ask for fewer at once")
        for index, value in enumerate(given):
            check_text(f"filter.{name}[{index}]", value, _WORDS)
    for name in ("moderator", "author", "post", "cluster"):
        check_text(f"filter.{name}", getattr(message, name), 1_024)
    return CaseFilter(
        queues=tuple(sorted(set(message.queues))),
        kinds=read_members(CASE_KINDS, message.kinds, "filter.kinds"),
        states=read_members(CASE_STATES, message.states, "filter.states"),
        categories=read_members(CATEGORIES, message.categories, "filter.categories"),
        surfaces=read_members(SURFACES, message.surfaces, "filter.surfaces"),
        regions=tuple(sorted(set(message.regions))),
        languages=tuple(sorted(set(message.languages))),
        least_severity=max(1, message.least_severity),
        moderator=message.moderator,
        author=message.author,
        post=message.post,
        cluster=message.cluster,
    )


def read_ruling(message: pb.CaseRuling, field: str, *, default: Scope = Scope.TEXT) -> Ruled:
    """What is decided; `Reviewing` checks it. Raises `InvalidInput` naming the field."""
    decision = DECISIONS.member(message.decision, f"{field}.decision")
    if decision is None:
        raise InvalidInput(f"{field}.decision", "is missing", "say what to do: 1 allow, 2 label, 3 reduce, 5 block")
    return Ruled(
        decision=decision,
        categories=read_members(CATEGORIES, message.categories, f"{field}.categories"),
        reason=message.reason,
        rationale=message.rationale,
        scope=SCOPES.member(message.scope, f"{field}.scope") or default,
    )


def read_outcome(number: int, message: pb.CaseRuling) -> tuple[AppealState, Ruled]:
    """How an appeal is decided. Of one that is rejected the ruling needs no decision."""
    outcome = APPEAL_STATES.member(number, "outcome")
    if outcome not in {AppealState.UPHELD, AppealState.REJECTED}:
        raise InvalidInput("outcome", "is missing", "send 2 to uphold the appeal, 3 to reject it")
    if outcome is AppealState.REJECTED:
        said = Ruled(decision=Decision.ALLOW, reason=message.reason, rationale=message.rationale, scope=Scope.POST)
        return outcome, said
    return outcome, read_ruling(message, "ruling", default=Scope.POST)


def read_seconds(message: Duration, field: str) -> float:
    """Seconds, 0 when not said. Raises `InvalidInput` for a negative time, or one of over a day."""
    seconds = message.seconds + message.nanos / 1e9
    if not 0 <= seconds <= 86_400:
        raise InvalidInput(field, f"is {seconds:g} seconds", "send 0 to 86,400 seconds")
    return seconds


def write_case(case: Case, message: pb.Case) -> None:
    """Fill the empty `message` with a case."""
    message.name, message.queue = case.name, case.queue
    message.kind, message.state = CASE_KINDS.number(case.kind), CASE_STATES.number(case.state)
    message.post, message.fingerprint = case.post.name, case.post.fingerprint
    message.content_digest, message.cluster = case.content_digest, case.cluster
    message.surface = SURFACES.number(case.surface)
    message.region, message.language, message.author = case.region, case.language, case.author
    message.categories.extend(map(CATEGORIES.number, case.categories))
    message.severity, message.priority = case.severity, case.priority
    message.holder, message.subject = case.holder, case.subject
    message.decision = f"decisions/{case.decision}" if case.decision else ""
    write_time(case.opened_at, message.open_time)
    if case.lease_until:
        write_time(case.lease_until, message.lease_expire_time)
    if case.closed_at:
        write_time(case.closed_at, message.close_time)


def write_decision(decision: CaseDecision, message: pb.CaseDecision) -> None:
    """Fill the empty `message` with a decision."""
    message.name, message.about, message.post = f"decisions/{decision.id}", decision.about, decision.post.name
    message.moderator, message.applied, message.posts = decision.moderator, decision.applied, decision.posts
    ruling = message.ruling
    ruling.decision, ruling.scope = DECISIONS.number(decision.decision), SCOPES.number(decision.scope)
    ruling.categories.extend(map(CATEGORIES.number, decision.categories))
    ruling.reason, ruling.rationale = decision.reason, decision.rationale
    write_time(decision.decided_at, message.decide_time)
    message.time_spent.FromTimedelta(timedelta(seconds=decision.seconds))
    if decision.undone_at:
        write_time(decision.undone_at, message.undo_time)


def write_queue(state: QueueState, message: pb.QueueState) -> None:
    """Fill the empty `message` with how a queue stands."""
    message.queue, message.open_cases = state.queue, state.open
    message.held_cases, message.severe_cases = state.held, state.severe
    if state.oldest_at:
        write_time(state.oldest_at, message.oldest_open_time)


def write_note(note: Note, message: pb.Note) -> None:
    """Fill the empty `message` with a note."""
    message.about, message.moderator, message.text = note.about, note.moderator, note.text
    write_time(note.written_at, message.write_time)


def write_appeal(appeal: Appeal, message: appeal_service_pb2.Appeal) -> None:
    """Fill the empty `message` with an appeal."""
    message.name, message.post, message.fingerprint = appeal.name, appeal.post.name, appeal.post.fingerprint
    message.contested_decision = DECISIONS.number(appeal.contested)
    message.contested_categories.extend(map(CATEGORIES.number, appeal.contested_categories))
    write_time(appeal.contested_at, message.contested_decide_time)
    message.statement, message.state = appeal.statement, APPEAL_STATES.number(appeal.state)
    write_time(appeal.opened_at, message.open_time)
    message.case, message.first_decider, message.decider = f"cases/{appeal.case}", appeal.first_decider, appeal.decider
    if appeal.decision and appeal.decided_at:
        ruling = message.ruling
        ruling.decision, ruling.scope = DECISIONS.number(appeal.decision), SCOPES.number(appeal.scope)
        ruling.categories.extend(map(CATEGORIES.number, appeal.categories))
        ruling.reason, ruling.rationale = appeal.reason, appeal.rationale
        write_time(appeal.decided_at, message.decide_time)
