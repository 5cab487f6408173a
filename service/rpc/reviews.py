"""ReviewService: cases for the tools of moderators who don't work in the dashboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from assay.v1 import review_service_pb2 as pb
from assay.v1.review_service_pb2_grpc import ReviewServiceServicer, add_ReviewServiceServicer_to_server

from service.domain.evidence import related
from service.errors import CaseNotFound, InvalidInput
from service.review.bulk import BulkDecision
from service.review.case import Case, CaseFilter, Outcome
from service.review.checking import check_moderator
from service.review.reviewing import Reviewing
from service.rpc.calls import Context, log_request_id
from service.rpc.message_limits import written
from service.rpc.messages.case import (
    read_case_filter,
    read_name,
    read_ruling,
    read_seconds,
    write_case,
    write_decision,
    write_note,
    write_queue,
)
from service.rpc.messages.post import POST_NAME, encode_post
from service.rpc.messages.verdict import write_verdict
from service.rpc.paging import page_size, read_place, write_place
from service.rpc.service import Service
from service.rpc.status import NoSuchResource

_ABOUT = re.compile(rf"{POST_NAME}|platforms/[a-z0-9-]{{1,63}}/authors/.{{1,256}}|cases/[!-.0-~]{{1,64}}")


class NoSuchCase(NoSuchResource, CaseNotFound):
    """`NoSuchResource` of a case, or of a decision."""


class ReviewServicer(Service, ReviewServiceServicer):
    """Serves the use cases of review."""

    name = "assay.v1.ReviewService"
    add_to = add_ReviewServiceServicer_to_server

    def __init__(self, reviewing: Reviewing) -> None:
        self._reviewing = reviewing

    async def ListQueues(self, request: pb.ListQueuesRequest, context: Context) -> pb.ListQueuesResponse:  # noqa: N802
        """The queues, with counts and ages."""
        response = pb.ListQueuesResponse()
        for state in await self._reviewing.queues():
            write_queue(state, response.queues.add())
        return response

    async def LeaseCase(self, request: pb.LeaseCaseRequest, context: Context) -> pb.LeaseCaseResponse:  # noqa: N802
        """The next cases."""
        only, seconds = read_case_filter(request.filter), read_seconds(request.lease, "lease") or None
        limit = request.limit or 1
        response = pb.LeaseCaseResponse()
        for case in await self._reviewing.lease(request.moderator, only, limit=limit, seconds=seconds):
            write_case(case, response.cases.add())
        return response

    async def ExtendLease(self, request: pb.ExtendLeaseRequest, context: Context) -> pb.ExtendLeaseResponse:  # noqa: N802
        """The heartbeat."""
        seconds = read_seconds(request.lease, "lease") or None
        response = pb.ExtendLeaseResponse()
        with _named(request.name):
            case = await self._reviewing.extend(_case_id(request.name), request.moderator, seconds=seconds)
        write_case(case, response.case)
        return response

    async def HandOverCase(self, request: pb.HandOverCaseRequest, context: Context) -> pb.HandOverCaseResponse:  # noqa: N802
        """To a colleague, or back."""
        response = pb.HandOverCaseResponse()
        with _named(request.name):
            case = await self._reviewing.hand_over(
                _case_id(request.name), request.moderator, to=request.to, note=request.note
            )
        write_case(case, response.case)
        return response

    async def SkipCase(self, request: pb.SkipCaseRequest, context: Context) -> pb.SkipCaseResponse:  # noqa: N802
        """Back, and not again."""
        with _named(request.name):
            await self._reviewing.skip(_case_id(request.name), request.moderator, request.reason)
        return pb.SkipCaseResponse()

    async def DecideCase(self, request: pb.DecideCaseRequest, context: Context) -> pb.DecideCaseResponse:  # noqa: N802
        """A decision, and all that follows from it."""
        seconds = read_seconds(request.time_spent, "time_spent")
        with _named(request.name), _below("ruling"):
            case_id, said = _case_id(request.name), read_ruling(request.ruling, "ruling")
            outcome = await self._reviewing.decide(case_id, request.moderator, said, seconds=seconds)
        response = pb.DecideCaseResponse()
        _write_outcome(outcome, response)
        return response

    async def UndoDecision(self, request: pb.UndoDecisionRequest, context: Context) -> pb.UndoDecisionResponse:  # noqa: N802
        """The last one, taken back."""
        decision_id = read_name(request.name, "decisions") if request.name else ""
        with _named(request.name or "decisions/-"):
            outcome = await self._reviewing.undo(request.moderator, decision_id)
        response = pb.UndoDecisionResponse()
        _write_outcome(outcome, response)
        return response

    async def RequestSecondOpinion(  # noqa: N802
        self, request: pb.RequestSecondOpinionRequest, context: Context
    ) -> pb.RequestSecondOpinionResponse:
        """An opinion, and somebody else asked for theirs."""
        seconds = read_seconds(request.time_spent, "time_spent")
        with _named(request.name), _below("ruling"):
            case_id, said = _case_id(request.name), read_ruling(request.ruling, "ruling")
            outcome = await self._reviewing.second_opinion(case_id, request.moderator, said, seconds=seconds)
        response = pb.RequestSecondOpinionResponse()
        _write_outcome(outcome, response)
        return response

    async def PreviewBulkDecision(  # noqa: N802
        self, request: pb.PreviewBulkDecisionRequest, context: Context
    ) -> pb.PreviewBulkDecisionResponse:
        """What would change."""
        with _below("bulk_decision.ruling", "bulk_decision"):
            preview = await self._reviewing.preview(_bulk(request.bulk_decision))
        response = pb.PreviewBulkDecisionResponse(
            posts=preview.posts,
            texts=preview.texts,
            present_decisions={decision.value: count for decision, count in preview.decisions.items()},
            surfaces={surface.value: count for surface, count in preview.surfaces.items()},
            decided_by_people=preview.decided_by_people,
            appealed=preview.appealed,
            preview_token=preview.token,
        )
        for verdict in preview.examples:
            write_verdict(verdict, response.examples.add(), evidence=False)
        return response

    async def ApplyBulkDecision(  # noqa: N802
        self, request: pb.ApplyBulkDecisionRequest, context: Context
    ) -> pb.ApplyBulkDecisionResponse:
        """What was previewed."""
        log_request_id(request.request_id)
        with _below("bulk_decision.ruling", "bulk_decision"):
            bulk = _bulk(request.bulk_decision)
            outcome = await self._reviewing.apply(bulk, request.preview_token, request_id=request.request_id)
        response = pb.ApplyBulkDecisionResponse()
        write_decision(outcome.decision, response.decision)
        return response

    async def AddNote(self, request: pb.AddNoteRequest, context: Context) -> pb.AddNoteResponse:  # noqa: N802
        """A note."""
        log_request_id(request.request_id)
        note = request.note
        if not _ABOUT.fullmatch(note.about):
            problem = f"{note.about[:80]!r} names no post, author or case" if note.about else "is missing"
            raise InvalidInput("note.about", problem, "send a name such as platforms/{platform}/posts/{post}")
        response = pb.AddNoteResponse()
        try:
            kept = await self._reviewing.add_note(note.about, note.moderator, note.text, request_id=request.request_id)
        except InvalidInput as error:
            raise error.at("note") from None
        write_note(kept, response.note)
        return response

    async def GetCase(self, request: pb.GetCaseRequest, context: Context) -> pb.GetCaseResponse:  # noqa: N802
        """A case with what somebody needs to decide it."""
        check_moderator(request.moderator)
        with _named(request.name):
            view = await self._reviewing.look(_case_id(request.name), request.moderator)
        response = pb.GetCaseResponse()
        write_case(view.case, response.case)
        if view.post:
            response.post.CopyFrom(encode_post(view.post))
        if view.verdict:
            located = related(view.verdict, view.post.text) if view.post else view.verdict
            write_verdict(located, response.verdict, evidence=view.post is not None)
        for decision in view.decisions:
            write_decision(decision, response.decisions.add())
        for note in view.notes:
            write_note(note, response.notes.add())
        return response

    async def ListCases(self, request: pb.ListCasesRequest, context: Context) -> pb.ListCasesResponse:  # noqa: N802
        """A page."""
        only, size = read_case_filter(request.filter), page_size(request.page_size)
        after = read_place(request.page_token, *_parts(only))
        found = await self._reviewing.cases(only, after=after, limit=size + 1)
        response = pb.ListCasesResponse()
        count = written(found[:size], lambda case: _add(case, response))
        if count < len(found):
            response.next_page_token = write_place(found[count - 1].id, *_parts(only))
        return response


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turns `CaseNotFound` into one that names what was asked for: a case or a decision."""
    try:
        yield
    except CaseNotFound as error:
        raise NoSuchCase(name, str(error), pb.CaseDecision if name.startswith("decisions/") else pb.Case) from error


@contextmanager
def _below(ruling: str, other: str = "") -> Iterator[None]:
    """Names the fields of what is decided as the request names them."""
    try:
        yield
    except InvalidInput as error:
        if error.field in {"decision", "categories", "reason", "rationale"}:
            raise error.at(ruling) from None
        if other and error.field in {"moderator", "cluster"}:
            raise error.at(other) from None
        raise


def _case_id(name: str) -> str:
    return read_name(name, "cases")


def _bulk(message: pb.BulkDecision) -> BulkDecision:
    said = read_ruling(message.ruling, "bulk_decision.ruling")
    return BulkDecision(cluster=message.cluster, moderator=message.moderator, ruled=said)


def _write_outcome(
    outcome: Outcome, response: pb.DecideCaseResponse | pb.UndoDecisionResponse | pb.RequestSecondOpinionResponse
) -> None:
    if outcome.case:
        write_case(outcome.case, response.case)
    write_decision(outcome.decision, response.decision)


def _add(case: Case, response: pb.ListCasesResponse) -> pb.Case:
    message = response.cases.add()
    write_case(case, message)
    return message


def _parts(only: CaseFilter) -> list[str]:
    groups = only.queues, only.kinds, only.states, only.categories, only.surfaces, only.regions, only.languages
    exact = only.moderator, only.author, only.post, only.cluster
    return [*(",".join(group) for group in groups), str(only.least_severity), *exact]
