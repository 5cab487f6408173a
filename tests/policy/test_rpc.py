"""PolicyService over a real socket, on a real record store: versions, what a change would do, promotion, budgets."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from assay.v1 import policy_service_pb2 as pb
from assay.v1 import verdict_pb2
from assay.v1.policy_service_pb2_grpc import PolicyServiceStub
from google.rpc import error_details_pb2

from service.domain.decision import Decision, Ruling
from service.domain.post import PostKey
from service.moderation.author import Weighing
from service.policy.budget import Budget
from service.policy.document import DEFAULT, PolicyDocuments
from service.policy.governance.governing import Governing, PolicyParts
from service.policy.governance.shadow import Shadow
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.records.sql.store import SqlStore
from service.rpc.policies import PolicyServicer
from tests.factories import message_of, post_of, verdict_of
from tests.fakes.budget import MemoryBudget
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.fakes.store import MemoryStore
from tests.fixtures.grpc_front import ScriptedPipeline
from tests.grpc_failures import failure_of
from tests.rpc.servers import server_of

if TYPE_CHECKING:
    from assay.v1.policy_service_pb2_grpc import PolicyServiceAsyncStub

ALLOW, LABEL, REVIEW = verdict_pb2.DECISION_ALLOW, verdict_pb2.DECISION_LABEL, verdict_pb2.DECISION_REVIEW
FILE = DEFAULT.read_text(encoding="utf-8")
MILD = """\
schema: 1
name: mild
description: Labels only.
defaults: {abstained: ALLOW, set_aside: ALLOW}
rules:
  - name: false
    when: {signals: {misinformation: {at_least: 0.8}}}
    then: LABEL
    category: MISINFORMATION
    reason: Looks misleading.
    despite_abstention: true
"""


class NoAppeals:
    """An `UpheldAppeals` where there are no appeals."""

    async def upheld(self, posts: Collection[str]) -> set[str]:
        del posts
        return set()


@dataclass
class PolicyFront:
    """A server with PolicyService, and what is behind it."""

    stub: "PolicyServiceAsyncStub"
    store: SqlStore
    actions: MemoryBudget
    governing: Governing


@pytest.fixture
async def policy_front(sqlite_url: str, scripted: ScriptedPipeline, weighing: Weighing) -> AsyncIterator[PolicyFront]:
    store, actions = await SqlStore.connect(sqlite_url), MemoryBudget()
    parts = PolicyParts(
        store=SqlPolicies.beside(store),
        records=store,
        rulings=SqlShadow.beside(store),
        appeals=NoAppeals(),
        reader=PolicyDocuments(None),
        file=FILE,
        budget=Budget(actions, None),  # type: ignore[arg-type]
    )
    governing = Governing(parts)
    service = PolicyServicer(governing, scripted, default_deadline=10.0)
    server = server_of(scripted, MemoryStore(), MemoryAnnouncer(), weighing, service)
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield PolicyFront(PolicyServiceStub(channel), store, actions, governing)
    await server.stop(grace=1.0)
    await store.close()


@pytest.fixture
async def mild(policy_front: PolicyFront) -> str:
    """The name of a version that is mild."""
    made = await policy_front.stub.CreatePolicyVersion(
        pb.CreatePolicyVersionRequest(document=MILD, actor="m-1", note="try")
    )
    return str(made.policy.name)


async def live(policy_front: PolicyFront) -> pb.PolicyVersion:
    return (await policy_front.stub.GetPolicyVersion(pb.GetPolicyVersionRequest(name="policies/live"))).policy


async def test_a_version_is_made_read_and_listed(policy_front: PolicyFront, mild: str) -> None:
    found = (await policy_front.stub.GetPolicyVersion(pb.GetPolicyVersionRequest(name=mild))).policy
    assert (found.title, found.document, found.author, found.note) == ("mild", MILD, "m-1", "try")
    assert (found.live, found.shadow) == (False, False)
    assert abs(found.create_time.ToDatetime(UTC) - datetime.now(UTC)).total_seconds() < 30
    file = await live(policy_front)
    assert (file.live, file.author, file.document) == (True, "system", FILE)
    first = await policy_front.stub.ListPolicyVersions(pb.ListPolicyVersionsRequest(page_size=1))
    rest = await policy_front.stub.ListPolicyVersions(pb.ListPolicyVersionsRequest(page_token=first.next_page_token))
    assert sorted(each.name for each in (*first.policies, *rest.policies)) == sorted([mild, file.name])
    assert not rest.next_page_token
    assert not any(each.document for each in (*first.policies, *rest.policies))


async def test_every_mistake_is_told(policy_front: PolicyFront) -> None:
    wrong = MILD.replace("LABEL", "LABLE").replace("at_least: 0.8", "at_least: 8")
    told = await policy_front.stub.ValidatePolicy(pb.ValidatePolicyRequest(document=wrong + "harms: {NONE: 1}\n"))
    assert [mistake.split(",")[0] for mistake in told.mistakes] == ["line 7", "line 12"]
    assert told.policy == ""
    good = await policy_front.stub.ValidatePolicy(pb.ValidatePolicyRequest(document=MILD))
    assert (list(good.mistakes), good.policy.startswith("policies/")) == ([], True)


async def test_a_bad_document_names_line_and_key(policy_front: PolicyFront) -> None:
    wrong = MILD.replace("LABEL", "LABLE")
    failure = await failure_of(
        policy_front.stub.CreatePolicyVersion(pb.CreatePolicyVersionRequest(document=wrong, actor="m-1"))
    )
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "rules[0].then")
    assert failure.message.startswith("line 8, rules[0].then: 'LABLE'")
    assert "did you mean LABEL?" in failure.description


NOTHING = "policies/00000000000000000000000000000000"
REFUSED: list[tuple[str, Any, grpc.StatusCode]] = [
    ("CreatePolicyVersion", pb.CreatePolicyVersionRequest(document=MILD), grpc.StatusCode.INVALID_ARGUMENT),
    ("CreatePolicyVersion", pb.CreatePolicyVersionRequest(actor="m-1"), grpc.StatusCode.INVALID_ARGUMENT),
    ("GetPolicyVersion", pb.GetPolicyVersionRequest(), grpc.StatusCode.INVALID_ARGUMENT),
    ("GetPolicyVersion", pb.GetPolicyVersionRequest(name="claims/1"), grpc.StatusCode.INVALID_ARGUMENT),
    ("GetPolicyVersion", pb.GetPolicyVersionRequest(name=NOTHING), grpc.StatusCode.NOT_FOUND),
    ("ListPolicyVersions", pb.ListPolicyVersionsRequest(page_token="x"), grpc.StatusCode.INVALID_ARGUMENT),
    ("DiffPolicies", pb.DiffPoliciesRequest(candidate=NOTHING), grpc.StatusCode.NOT_FOUND),
    ("TestPolicy", pb.TestPolicyRequest(policy=NOTHING), grpc.StatusCode.INVALID_ARGUMENT),
    ("BacktestPolicy", pb.BacktestPolicyRequest(candidate=NOTHING), grpc.StatusCode.NOT_FOUND),
    ("BacktestPolicy", pb.BacktestPolicyRequest(candidate=NOTHING, max_verdicts=-1), grpc.StatusCode.INVALID_ARGUMENT),
    ("PromotePolicy", pb.PromotePolicyRequest(name=NOTHING, actor="m"), grpc.StatusCode.NOT_FOUND),
    ("PromotePolicy", pb.PromotePolicyRequest(name=NOTHING), grpc.StatusCode.INVALID_ARGUMENT),
    ("SetShadowPolicy", pb.SetShadowPolicyRequest(name=NOTHING, actor="m"), grpc.StatusCode.NOT_FOUND),
    ("CompareShadow", pb.CompareShadowRequest(), grpc.StatusCode.INVALID_ARGUMENT),
    ("RollBackPolicy", pb.RollBackPolicyRequest(actor="m"), grpc.StatusCode.ABORTED),
    ("CloseBreaker", pb.CloseBreakerRequest(actor="m"), grpc.StatusCode.ABORTED),
]


async def test_what_is_refused(policy_front: PolicyFront) -> None:
    for method, request, code in REFUSED:
        failure = await failure_of(getattr(policy_front.stub, method)(request))
        assert failure.code == code, (method, failure)
        if code is grpc.StatusCode.NOT_FOUND:
            assert failure.reason == "POLICY_NOT_FOUND"
            resource = failure.detail(error_details_pb2.ResourceInfo)
            assert (resource.resource_type, resource.resource_name) == ("assay.dev/PolicyVersion", NOTHING)


async def test_the_difference_in_words(policy_front: PolicyFront, mild: str) -> None:
    found = await policy_front.stub.DiffPolicies(pb.DiffPoliciesRequest(candidate=mild))
    words = [difference.words for difference in found.differences]
    assert (
        "New rule false: LABEL (MISINFORMATION) for misinformation at least 0.80, even where the classifiers abstain."
        in words
    )
    assert {difference.section for difference in found.differences} >= {"name", "rules", "thresholds", "budget"}
    assert not (await policy_front.stub.DiffPolicies(pb.DiffPoliciesRequest(base=mild, candidate=mild))).differences


async def test_pasted_posts_are_tried(policy_front: PolicyFront, mild: str) -> None:
    posts = [message_of("Some text", 1), message_of("!setaside", 2)]
    for subject in ({"policy": mild}, {"document": MILD}):
        found = await policy_front.stub.TestPolicy(pb.TestPolicyRequest(posts=posts, **subject))
        read, aside = found.trials
        assert (read.post, read.candidate.decision, list(read.candidate.rules)) == (posts[0].name, LABEL, ["false"])
        assert {signal.name for signal in read.signals} == {"ai_generated", "misinformation"}
        assert (aside.live.decision, aside.candidate.decision, len(aside.signals)) == (REVIEW, ALLOW, 0)


async def test_a_backtest(policy_front: PolicyFront, mild: str) -> None:
    posts = [post_of(f"text {number}", id=str(number)) for number in range(5)]
    verdicts = [replace(verdict_of(post), decided_at=datetime.now(UTC)) for post in posts]
    await policy_front.store.record(posts, verdicts)
    found = await policy_front.stub.BacktestPolicy(pb.BacktestPolicyRequest(candidate=mild))
    [flip] = found.flips
    assert (flip.before, flip.after, flip.posts, found.posts, found.complete) == (REVIEW, LABEL, 5, 5, True)
    assert found.summary.startswith("This change flips 5 of 5 posts since ")
    assert found.candidate == mild
    assert found.base == (await live(policy_front)).name
    assert sum(change.gained for change in found.categories) == 0
    assert [example.post for example in found.examples] == [post.name for post in reversed(posts)]


async def test_promote_and_roll_back(policy_front: PolicyFront, mild: str) -> None:
    file = await live(policy_front)
    done = await policy_front.stub.PromotePolicy(
        pb.PromotePolicyRequest(name=mild, actor="m-2", note="go", expected_live=file.name)
    )
    assert (done.change.act, done.change.policy, done.change.actor) == (pb.POLICY_ACT_PROMOTE, mild, "m-2")
    assert (await live(policy_front)).name == mild
    again = pb.PromotePolicyRequest(name=file.name, actor="m-3", expected_live=file.name)
    failure = await failure_of(policy_front.stub.PromotePolicy(again))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ABORTED, "OUTDATED")
    back = await policy_front.stub.RollBackPolicy(pb.RollBackPolicyRequest(actor="m-2", expected_live=mild))
    assert (back.change.policy, back.change.previous_policy) == ("", mild)
    assert (await live(policy_front)).name == file.name
    first = await policy_front.stub.ListPolicyChanges(pb.ListPolicyChangesRequest(page_size=2))
    assert [each.act for each in first.changes] == [pb.POLICY_ACT_ROLL_BACK, pb.POLICY_ACT_PROMOTE]
    rest = await policy_front.stub.ListPolicyChanges(pb.ListPolicyChangesRequest(page_token=first.next_page_token))
    assert [each.act for each in rest.changes] == [pb.POLICY_ACT_CREATE] * 2


async def test_a_shadow_run(policy_front: PolicyFront, mild: str) -> None:
    await policy_front.stub.SetShadowPolicy(pb.SetShadowPolicyRequest(name=mild, actor="m-1"))
    listed = await policy_front.stub.ListPolicyVersions(pb.ListPolicyVersionsRequest())
    assert [each.name for each in listed.policies if each.shadow] == [mild]
    posts = [post_of(f"text {number}", id=str(number)) for number in range(3)]
    given = [replace(verdict_of(post), decided_at=datetime.now(UTC)) for post in posts]
    given[0] = replace(given[0], ruling=Ruling(Decision.REVIEW))
    policy = replace(PolicyDocuments(None).policy(MILD), version=mild.removeprefix("policies/"))
    shadow = Shadow(lambda: policy, policy_front.store, SqlShadow.beside(policy_front.store))
    await shadow.handle(await policy_front.store.record(posts, given))
    found = await policy_front.stub.CompareShadow(pb.CompareShadowRequest(days=1))
    assert (found.policy, found.posts, found.agreed) == (mild, 3, 2)
    assert [(cell.before, cell.after, cell.posts) for cell in found.matrix] == [(LABEL, LABEL, 2), (REVIEW, LABEL, 1)]
    [example] = found.examples
    assert (example.post, example.live.decision, example.shadow.decision) == (posts[0].name, REVIEW, LABEL)
    ended = await policy_front.stub.SetShadowPolicy(pb.SetShadowPolicyRequest(actor="m-1"))
    assert (ended.change.policy, ended.change.previous_policy) == ("", mild)


async def test_the_budget_and_its_breaker(policy_front: PolicyFront) -> None:
    found = (await policy_front.stub.GetBudget(pb.GetBudgetRequest())).budget
    assert (found.spent, found.limit, found.HasField("open_time")) == (0, 1000, False)
    await policy_front.actions.spend([PostKey(str(number), "") for number in range(3)], 2)
    found = (await policy_front.stub.GetBudget(pb.GetBudgetRequest())).budget
    assert (found.spent, found.HasField("open_time")) == (2, True)
    closed = (await policy_front.stub.CloseBreaker(pb.CloseBreakerRequest(actor="m-1", note="all right"))).budget
    assert (closed.granted, closed.limit, closed.HasField("open_time")) == (2, 1002, False)
