"""ReviewService over a real socket, on a record store in SQLite: leasing, deciding, undoing, and each error's field."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from assay.v1 import post_pb2, verdict_pb2
from assay.v1 import review_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from service.domain.decision import Category, Decision
from service.domain.verdict import Source
from service.policy.routing import Routing
from service.review.case import CaseKind
from service.review.opening import case_for
from tests.fixtures.grpc_front import CaseFront
from tests.fixtures.review import twins
from tests.grpc_failures import failure_of

if TYPE_CHECKING:
    from assay.v1.review_service_pb2_grpc import ReviewServiceAsyncStub

BLOCK, ALLOW = verdict_pb2.DECISION_BLOCK, verdict_pb2.DECISION_ALLOW
FRAUD, HATE = verdict_pb2.CATEGORY_FRAUD, verdict_pb2.CATEGORY_HATE
Lease = Callable[..., Awaitable[list[pb.Case]]]
Decide = Callable[..., Awaitable[pb.DecideCaseResponse]]
UNKNOWN: Any = 99


def ruling(
    decision: verdict_pb2.Decision.ValueType = BLOCK,
    *categories: verdict_pb2.Category.ValueType,
    **fields: Any,
) -> pb.CaseRuling:
    found = categories or (() if decision == ALLOW else (FRAUD,))
    return pb.CaseRuling(decision=decision, categories=found, **{"reason": "scam", **fields})


@pytest.fixture
def stub(case_front: CaseFront) -> "ReviewServiceAsyncStub":
    return case_front.reviews


@pytest.fixture
def lease(stub: "ReviewServiceAsyncStub") -> Lease:
    """Leases cases for a moderator."""

    async def ask(moderator: str = "m-1", limit: int = 1, **fields: Any) -> list[pb.Case]:
        request = pb.LeaseCaseRequest(moderator=moderator, limit=limit, filter=pb.CaseFilter(**fields))
        return list((await stub.LeaseCase(request)).cases)

    return ask


@pytest.fixture
def decide(stub: "ReviewServiceAsyncStub") -> Decide:
    """Decides a case."""

    async def send(
        case: pb.Case, said: pb.CaseRuling | None = None, moderator: str = "m-1", **fields: Any
    ) -> pb.DecideCaseResponse:
        request = pb.DecideCaseRequest(name=case.name, moderator=moderator, ruling=said or ruling(), **fields)
        return await stub.DecideCase(request)

    return send


async def test_a_case_from_the_queue_to_the_verdict(
    case_front: CaseFront, stub: "ReviewServiceAsyncStub", lease: Lease, decide: Decide
) -> None:
    posts = twins(count=2)
    await case_front.reviewed.open(posts)
    [queue] = [each for each in (await stub.ListQueues(pb.ListQueuesRequest())).queues if each.open_cases]
    assert (queue.queue, queue.open_cases, queue.held_cases) == ("general", 2, 0)
    assert queue.HasField("oldest_open_time")
    [case] = await lease()
    assert (case.holder, case.state, case.kind) == ("m-1", pb.CASE_STATE_OPEN, pb.CASE_KIND_REVIEW)
    assert case.HasField("lease_expire_time")
    response = await decide(case, ruling(scope=pb.DECISION_SCOPE_TEXT), time_spent=Duration(seconds=7))
    assert (response.case.state, response.case.decision) == (pb.CASE_STATE_DECIDED, response.decision.name)
    assert (response.decision.posts, response.decision.applied) == (2, True)
    assert response.decision.time_spent.seconds == 7
    assert await case_front.reviewed.current_decisions(posts) == [Decision.BLOCK] * 2
    assert case_front.announced >= 1
    assert {verdict.source for verdict in case_front.cached} == {Source.MODERATOR}
    undone = await stub.UndoDecision(pb.UndoDecisionRequest(moderator="m-1", name=response.decision.name))
    assert (undone.case.name, undone.case.holder) == (case.name, "m-1")
    assert undone.decision.HasField("undo_time")
    assert await case_front.reviewed.current_decisions(posts) == [Decision.REVIEW] * 2
    again = await stub.UndoDecision(pb.UndoDecisionRequest(moderator="m-1", name=response.decision.name))
    assert again.decision == undone.decision


async def test_a_case_is_read_with_what_is_needed(
    case_front: CaseFront, stub: "ReviewServiceAsyncStub", lease: Lease, decide: Decide
) -> None:
    [case] = await case_front.reviewed.open(twins(count=1))
    note = pb.Note(about=case.post.name, moderator="m-2", text="seen before")
    kept, again = [await stub.AddNote(pb.AddNoteRequest(note=note, request_id="n1")) for _ in range(2)]
    assert kept.note.HasField("write_time")
    assert again == kept
    other = pb.Note(about=case.post.name, moderator="m-2", text="never seen")
    refused = await failure_of(stub.AddNote(pb.AddNoteRequest(note=other, request_id="n1")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_CONFLICT")
    [leased] = await lease()
    await decide(leased, ruling(rationale="a known shop"))
    read = await stub.GetCase(pb.GetCaseRequest(name=case.name, moderator="m-1"))
    assert read.post.text == "Win money now"
    assert (read.verdict.decision, read.verdict.revision) == (verdict_pb2.DECISION_REVIEW, 0)
    assert read.verdict.evidence.spans
    assert [each.ruling.rationale for each in read.decisions] == ["a known shop"]
    assert [each.text for each in read.notes] == ["seen before"]
    assert ("m-1", "case.read", case.name) in await case_front.audited()


async def test_pages(case_front: CaseFront, stub: "ReviewServiceAsyncStub") -> None:
    cases = await case_front.reviewed.open(twins("a", 3) + twins("b", 2, start=3), Category.HATE)
    found, token = [], ""
    for _ in range(5):
        request = pb.ListCasesRequest(filter=pb.CaseFilter(categories=[HATE]), page_size=2, page_token=token)
        page = await stub.ListCases(request)
        found += [case.name for case in page.cases]
        token = page.next_page_token
        if not token:
            break
    assert found == [case.name for case in cases]
    assert not (await stub.ListCases(pb.ListCasesRequest(filter=pb.CaseFilter(categories=[FRAUD])))).cases


async def test_a_page_token_is_for_its_filter(case_front: CaseFront, stub: "ReviewServiceAsyncStub") -> None:
    await case_front.reviewed.open(twins(count=3))
    page = await stub.ListCases(pb.ListCasesRequest(page_size=1))
    request = pb.ListCasesRequest(page_size=1, page_token=page.next_page_token, filter=pb.CaseFilter(queues=["ads"]))
    assert (await failure_of(stub.ListCases(request))).field == "page_token"


async def test_handing_over_extending_and_skipping(
    case_front: CaseFront, stub: "ReviewServiceAsyncStub", lease: Lease
) -> None:
    await case_front.reviewed.open(twins(count=1))
    [case] = await lease()
    extended = await stub.ExtendLease(
        pb.ExtendLeaseRequest(name=case.name, moderator="m-1", lease=Duration(seconds=900))
    )
    assert extended.case.lease_expire_time.seconds > case.lease_expire_time.seconds
    given = await stub.HandOverCase(pb.HandOverCaseRequest(name=case.name, moderator="m-1", to="m-2", note="Dutch"))
    assert given.case.holder == "m-2"
    failure = await failure_of(stub.SkipCase(pb.SkipCaseRequest(name=case.name, moderator="m-1", reason="no Dutch")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_HELD")
    await stub.SkipCase(pb.SkipCaseRequest(name=case.name, moderator="m-2", reason="I know them"))
    assert await lease("m-2") == []
    assert [each.name for each in await lease("m-1")] == [case.name]


async def test_a_second_opinion(
    case_front: CaseFront, stub: "ReviewServiceAsyncStub", lease: Lease, decide: Decide
) -> None:
    posts = twins(count=1)
    await case_front.reviewed.open(posts)
    [case] = await lease()
    request = pb.RequestSecondOpinionRequest(name=case.name, moderator="m-1", ruling=ruling())
    first = await stub.RequestSecondOpinion(request)
    assert not first.decision.applied
    assert (await stub.RequestSecondOpinion(request)).decision == first.decision
    assert await lease("m-1") == []
    [asked] = await lease("m-2")
    assert (asked.kind, asked.subject) == (pb.CASE_KIND_SECOND_OPINION, first.decision.name)
    seen = await stub.GetCase(pb.GetCaseRequest(name=asked.name, moderator="m-2"))
    assert not seen.decisions
    failure = await failure_of(stub.GetCase(pb.GetCaseRequest(name=asked.name, moderator="m-1")))
    assert failure.code is grpc.StatusCode.PERMISSION_DENIED
    assert (await decide(asked, moderator="m-2")).decision.applied
    assert await case_front.reviewed.current_decisions(posts) == [Decision.BLOCK]


async def test_golden_and_sampled_cases_look_like_any_other(
    case_front: CaseFront, stub: "ReviewServiceAsyncStub", lease: Lease, decide: Decide
) -> None:
    [post] = twins(count=1)
    [verdict] = await case_front.reviewed.store.record([post], [case_front.reviewed.asking(post)])
    kinds = (CaseKind.GOLDEN, CaseKind.PREVALENCE)
    hidden = [case_for(post, verdict, Routing(), kind=kind, subject=f"x/{kind}") for kind in kinds]
    await case_front.reviewed.review.open_cases(hidden)
    leased = await lease(limit=5, kinds=[pb.CASE_KIND_REVIEW])
    assert {(case.kind, case.subject) for case in leased} == {(pb.CASE_KIND_REVIEW, "")}
    assert {case.name for case in leased} == {case.name for case in hidden}
    for case in leased:
        response = await decide(case)
        assert (response.case.kind, response.case.subject) == (pb.CASE_KIND_REVIEW, "")
        assert (response.decision.applied, response.decision.posts) == (True, 1)
    assert await lease(limit=5, kinds=[pb.CASE_KIND_GOLDEN]) == []


async def test_a_bulk_decision(case_front: CaseFront, stub: "ReviewServiceAsyncStub") -> None:
    posts = twins("a", 2) + twins("b", 2, start=2)
    cluster = await case_front.clustered(posts)
    bulk = pb.BulkDecision(cluster=cluster, moderator="m-1", ruling=ruling())
    preview = await stub.PreviewBulkDecision(pb.PreviewBulkDecisionRequest(bulk_decision=bulk))
    assert (preview.posts, preview.texts) == (4, 2)
    assert dict(preview.present_decisions) == {"REVIEW": 4}
    assert dict(preview.surfaces) == {"feed": 4}
    assert len(preview.examples) == 4
    other = pb.BulkDecision(cluster=cluster, moderator="m-1", ruling=ruling(ALLOW))
    request = pb.ApplyBulkDecisionRequest(bulk_decision=other, preview_token=preview.preview_token)
    assert (await failure_of(stub.ApplyBulkDecision(request))).code is grpc.StatusCode.ABORTED
    request = pb.ApplyBulkDecisionRequest(bulk_decision=bulk, preview_token=preview.preview_token, request_id="bulk-1")
    applied = await stub.ApplyBulkDecision(request)
    assert (applied.decision.posts, applied.decision.about) == (4, f"clusters/{cluster}")
    assert await stub.ApplyBulkDecision(request) == applied
    assert await case_front.reviewed.current_decisions(posts) == [Decision.BLOCK] * 4
    await stub.UndoDecision(pb.UndoDecisionRequest(moderator="m-1"))
    assert await case_front.reviewed.current_decisions(posts) == [Decision.REVIEW] * 4


BAD_RULINGS = [
    (pb.CaseRuling(reason="scam"), "ruling.decision"),
    (ruling(verdict_pb2.DECISION_REVIEW), "ruling.decision"),
    (ruling(UNKNOWN), "ruling.decision"),
    (pb.CaseRuling(decision=BLOCK, reason="scam"), "ruling.categories"),
    (ruling(BLOCK, UNKNOWN), "ruling.categories[0]"),
    (ruling(reason=""), "ruling.reason"),
    (ruling(reason=" "), "ruling.reason"),
    (ruling(rationale="x" * 4_097), "ruling.rationale"),
    (ruling(rationale="\x00"), "ruling.rationale"),
    (ruling(scope=7), "ruling.scope"),
]


@pytest.mark.parametrize(("said", "field"), BAD_RULINGS)
async def test_a_bad_ruling_names_its_field(
    case_front: CaseFront, lease: Lease, decide: Decide, said: Any, field: Any
) -> None:
    await case_front.reviewed.open(twins(count=1))
    [case] = await lease()
    failure = await failure_of(decide(case, said))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert (await lease())[0].name == case.name


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.LeaseCaseRequest(), "moderator"),
        (pb.LeaseCaseRequest(moderator="two words"), "moderator"),
        (pb.LeaseCaseRequest(moderator="m-1", limit=26), "limit"),
        (pb.LeaseCaseRequest(moderator="m-1", limit=-1), "limit"),
        (pb.LeaseCaseRequest(moderator="m-1", lease=Duration(seconds=3_601)), "lease"),
        (pb.LeaseCaseRequest(moderator="m-1", lease=Duration(seconds=-1)), "lease"),
        (pb.LeaseCaseRequest(moderator="m-1", filter=pb.CaseFilter(surfaces=[UNKNOWN])), "filter.surfaces[0]"),
        (pb.LeaseCaseRequest(moderator="m-1", filter=pb.CaseFilter(queues=["x"] * 65)), "filter.queues"),
        (pb.LeaseCaseRequest(moderator="m-1", filter=pb.CaseFilter(author="\x01")), "filter.author"),
    ],
)
async def test_a_bad_lease_names_its_field(
    stub: "ReviewServiceAsyncStub", request_: pb.LeaseCaseRequest, field: str
) -> None:
    failure = await failure_of(stub.LeaseCase(request_))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


@pytest.mark.parametrize("about", ["", "nothing", "platforms/x", "appeals/1"])
async def test_a_note_on_nothing(stub: "ReviewServiceAsyncStub", about: str) -> None:
    request = pb.AddNoteRequest(note=pb.Note(about=about, moderator="m-1", text="t"))
    assert (await failure_of(stub.AddNote(request))).field == "note.about"


async def test_an_empty_note(stub: "ReviewServiceAsyncStub") -> None:
    request = pb.AddNoteRequest(note=pb.Note(about="platforms/x/posts/1", moderator="m-1"))
    assert (await failure_of(stub.AddNote(request))).field == "note.text"


async def test_what_is_not_there(stub: "ReviewServiceAsyncStub", decide: Decide) -> None:
    failure = await failure_of(decide(pb.Case(name="cases/nothing")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "CASE_NOT_FOUND")
    assert failure.detail(error_details_pb2.ResourceInfo).resource_type == "assay.dev/Case"
    failure = await failure_of(decide(pb.Case(name="nothing")))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "name")
    failure = await failure_of(stub.UndoDecision(pb.UndoDecisionRequest(moderator="m-1")))
    assert failure.code is grpc.StatusCode.NOT_FOUND
    assert failure.detail(error_details_pb2.ResourceInfo).resource_type == "assay.dev/CaseDecision"
    assert post_pb2.SURFACE_FEED
