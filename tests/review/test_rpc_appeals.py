"""AppealService over a real socket, on a record store in SQLite: opening, deciding, and who may not."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from assay.v1 import appeal_service_pb2 as pb
from assay.v1 import verdict_pb2
from assay.v1.review_service_pb2 import CaseFilter, CaseRuling, LeaseCaseRequest
from google.rpc import error_details_pb2

from service.domain.decision import Decision
from service.domain.post import Post
from tests.fixtures.grpc_front import CaseFront
from tests.fixtures.review import ruled, twins
from tests.grpc_failures import failure_of

if TYPE_CHECKING:
    from assay.v1.appeal_service_pb2_grpc import AppealServiceAsyncStub

ALLOW, LABEL, BLOCK = verdict_pb2.DECISION_ALLOW, verdict_pb2.DECISION_LABEL, verdict_pb2.DECISION_BLOCK
UPHELD, REJECTED, OPEN = pb.APPEAL_STATE_UPHELD, pb.APPEAL_STATE_REJECTED, pb.APPEAL_STATE_OPEN
WHY = {"reason": "scam", "rationale": "The shop is real"}
Contest = Callable[..., Awaitable[pb.Appeal]]
Decide = Callable[..., Awaitable[pb.Appeal]]


@pytest.fixture
def stub(case_front: CaseFront) -> "AppealServiceAsyncStub":
    return case_front.appeals


@pytest.fixture
async def blocked(case_front: CaseFront) -> Post:
    """A post that m-1 blocked."""
    [post] = twins(count=1)
    [case] = await case_front.reviewed.open([post])
    await case_front.reviewed.decided(case, "m-1", ruled())
    return post


@pytest.fixture
def contest(stub: "AppealServiceAsyncStub") -> Contest:
    """Opens an appeal about a post."""

    async def send(post: Post, statement: str = "My shop is real", **fields: Any) -> pb.Appeal:
        return (await stub.OpenAppeal(pb.OpenAppealRequest(post=post.name, statement=statement, **fields))).appeal

    return send


@pytest.fixture
def decide(stub: "AppealServiceAsyncStub") -> Decide:
    """Decides an appeal."""

    async def send(
        appeal: pb.Appeal, outcome: pb.AppealState.ValueType = UPHELD, moderator: str = "m-2", **fields: Any
    ) -> pb.Appeal:
        said = CaseRuling(**{"decision": ALLOW, **WHY, **fields})
        request = pb.DecideAppealRequest(name=appeal.name, moderator=moderator, outcome=outcome, ruling=said)
        return (await stub.DecideAppeal(request)).appeal

    return send


async def test_an_upheld_appeal_overturns_the_decision(
    case_front: CaseFront, stub: "AppealServiceAsyncStub", blocked: Post, contest: Contest, decide: Decide
) -> None:
    appeal = await contest(blocked)
    assert (appeal.state, appeal.contested_decision, appeal.first_decider) == (OPEN, BLOCK, "m-1")
    assert (await stub.GetAppeal(pb.GetAppealRequest(name=appeal.name))).appeal == appeal
    decided = await decide(appeal)
    assert (decided.state, decided.decider, decided.ruling.decision) == (UPHELD, "m-2", ALLOW)
    assert (decided.ruling.reason, decided.ruling.rationale) == ("scam", "The shop is real")
    assert decided.HasField("decide_time")
    assert await case_front.reviewed.current_decisions([blocked]) == [Decision.ALLOW]
    assert case_front.cached[-1].decision is Decision.ALLOW
    assert await decide(appeal) == decided
    assert await case_front.reviewed.review.upheld([blocked.name, "platforms/x/posts/9"]) == {blocked.name}


async def test_a_rejected_one_leaves_it(case_front: CaseFront, blocked: Post, contest: Contest, decide: Decide) -> None:
    before = await case_front.reviewed.current(blocked)
    decided = await decide(await contest(blocked), REJECTED, decision=0)
    assert (decided.state, decided.ruling.decision) == (REJECTED, BLOCK)
    assert await case_front.reviewed.current(blocked) == before
    assert await case_front.reviewed.review.upheld([blocked.name]) == set()


async def test_it_waits_as_a_case_that_the_first_decider_is_not_given(
    case_front: CaseFront, blocked: Post, contest: Contest, decide: Decide
) -> None:
    appeal = await contest(blocked)
    request = LeaseCaseRequest(moderator="m-1", filter=CaseFilter(queues=["appeals"]))
    assert not (await case_front.reviews.LeaseCase(request)).cases
    failure = await failure_of(decide(appeal, moderator="m-1"))
    assert failure.code is grpc.StatusCode.PERMISSION_DENIED
    request.moderator = "m-3"
    [case] = (await case_front.reviews.LeaseCase(request)).cases
    assert (case.name, case.subject) == (appeal.case, appeal.name)
    failure = await failure_of(decide(appeal, moderator="m-2"))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_HELD")
    assert (await decide(appeal, moderator="m-3")).state == UPHELD


async def test_once_for_each_decision(blocked: Post, contest: Contest, decide: Decide) -> None:
    appeal = await contest(blocked, request_id="a-1")
    assert await contest(blocked, request_id="a-1") == appeal
    failure = await failure_of(contest(blocked))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, "APPEAL_EXISTS")
    failure = await failure_of(contest(blocked, "Another statement", request_id="a-1"))
    assert failure.reason == "REQUEST_ID_CONFLICT"
    await decide(appeal, decision=LABEL, categories=[verdict_pb2.CATEGORY_FRAUD])
    second = await contest(blocked)
    assert (second.contested_decision, second.first_decider) == (LABEL, "m-2")


async def test_the_policys_own_decision_can_be_contested(
    case_front: CaseFront, contest: Contest, decide: Decide
) -> None:
    [post] = twins(count=1)
    await case_front.reviewed.store.record([post], [case_front.reviewed.asking(post, Decision.REDUCE)])
    appeal = await contest(post)
    assert appeal.first_decider == ""
    assert (await decide(appeal)).state == UPHELD


async def test_what_cannot_be_contested(
    case_front: CaseFront, stub: "AppealServiceAsyncStub", contest: Contest
) -> None:
    allowed, waiting, old = (*twins("a", 1), *twins("b", 1, start=1), *twins("c", 1, start=2))
    reviewed = case_front.reviewed
    await reviewed.store.record(
        [allowed, waiting], [reviewed.asking(allowed, Decision.ALLOW), reviewed.asking(waiting)]
    )
    reviewed.clock.time -= 184 * 86_400
    await reviewed.store.record([old], [reviewed.asking(old, Decision.BLOCK)])
    reviewed.clock.time += 184 * 86_400
    assert (await failure_of(contest(allowed))).field == "post"
    assert (await failure_of(contest(waiting))).code is grpc.StatusCode.FAILED_PRECONDITION
    assert (await failure_of(contest(old))).code is grpc.StatusCode.PERMISSION_DENIED
    [unknown] = twins("d", 1, start=9)
    assert (await failure_of(contest(unknown))).code is grpc.StatusCode.NOT_FOUND
    failure = await failure_of(stub.OpenAppeal(pb.OpenAppealRequest(post="nothing", statement="x")))
    assert failure.field == "post"
    assert (await failure_of(contest(allowed, " "))).field == "statement"


async def test_pages_oldest_first(
    case_front: CaseFront, stub: "AppealServiceAsyncStub", contest: Contest, decide: Decide
) -> None:
    posts = [post for n in range(5) for post in twins(f"Text {n}", 1, start=n)]
    await case_front.reviewed.store.record(posts, [case_front.reviewed.asking(post, Decision.BLOCK) for post in posts])
    appeals = [await contest(post) for post in posts]
    await decide(appeals[0])
    found, token = [], ""
    while True:
        page = await stub.ListAppeals(pb.ListAppealsRequest(states=[OPEN], page_size=2, page_token=token))
        found += [appeal.name for appeal in page.appeals]
        token = page.next_page_token
        if not token:
            break
    assert found == [appeal.name for appeal in appeals[1:]]
    everything = (await stub.ListAppeals(pb.ListAppealsRequest())).appeals
    assert [appeal.name for appeal in everything] == [appeal.name for appeal in appeals]


@pytest.mark.parametrize(
    ("outcome", "fields", "field"),
    [
        (0, {}, "outcome"),
        (OPEN, {}, "outcome"),
        (UPHELD, {"decision": 0}, "ruling.decision"),
        (UPHELD, {"decision": BLOCK, "categories": [verdict_pb2.CATEGORY_FRAUD]}, "ruling.decision"),
        (UPHELD, {"rationale": " "}, "ruling.rationale"),
        (UPHELD, {"reason": ""}, "ruling.reason"),
        (REJECTED, {"rationale": ""}, "ruling.rationale"),
    ],
)
async def test_a_bad_decision_names_its_field(  # noqa: PLR0917 - fixtures
    blocked: Post, contest: Contest, decide: Decide, outcome: Any, fields: dict[str, Any], field: str
) -> None:
    appeal = await contest(blocked)
    failure = await failure_of(decide(appeal, outcome, **fields))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_a_stricter_one_is_refused(case_front: CaseFront, contest: Contest, decide: Decide) -> None:
    [post] = twins(count=1)
    await case_front.reviewed.store.record([post], [case_front.reviewed.asking(post, Decision.LABEL)])
    failure = await failure_of(decide(await contest(post), decision=BLOCK, categories=[verdict_pb2.CATEGORY_FRAUD]))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "ruling.decision")


async def test_no_such_appeal(stub: "AppealServiceAsyncStub", decide: Decide) -> None:
    failure = await failure_of(stub.GetAppeal(pb.GetAppealRequest(name="appeals/nothing")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "APPEAL_NOT_FOUND")
    assert failure.detail(error_details_pb2.ResourceInfo).resource_type == "assay.dev/Appeal"
    failure = await failure_of(decide(pb.Appeal(name="appeals/nothing")))
    assert failure.code is grpc.StatusCode.NOT_FOUND
