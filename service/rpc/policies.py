"""PolicyService: versions of the policy, what a change would do, promotion and the way back, for clients."""

from collections.abc import Sequence

from assay.v1 import policy_service_pb2 as pb
from assay.v1.policy_service_pb2_grpc import PolicyServiceServicer, add_PolicyServiceServicer_to_server

from service.domain.post import Post
from service.errors import InvalidInput, PolicyNotFound
from service.policy.governance.governing import MOST_POSTS, Governing
from service.policy.governance.policy_version import PolicyVersion
from service.policy.governance.trial import Trial
from service.rpc.calls import Context, deadline_of
from service.rpc.message_limits import check_count
from service.rpc.messages.policy import (
    read_actor,
    read_optional_name,
    read_policy_name,
    write_backtest,
    write_budget,
    write_change,
    write_comparison,
    write_trial,
    write_version,
)
from service.rpc.messages.post import read_post
from service.rpc.moderator import Moderator
from service.rpc.paging import page_size, read_number_token, write_number_token
from service.rpc.service import Service
from service.rpc.status import NoSuchResource

MAX_POSTS = 100
_VERSIONS, _CHANGES = "policies", "policy changes"
_DAYS, _VERDICTS = 7.0, 100_000


class NoSuchPolicy(NoSuchResource, PolicyNotFound):
    """`NoSuchResource` of a policy version."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"there is no {name}; ListPolicyVersions tells what there is", pb.PolicyVersion)


class PolicyServicer(Service, PolicyServiceServicer):
    """Serves the use cases; `moderator` has workers read. `default_deadline` (seconds) is for calls without one."""

    name = "assay.v1.PolicyService"
    add_to = add_PolicyServiceServicer_to_server

    def __init__(self, governing: Governing, moderator: Moderator, *, default_deadline: float) -> None:
        self._governing, self._moderator, self._default_deadline = governing, moderator, default_deadline

    async def CreatePolicyVersion(  # noqa: N802
        self, request: pb.CreatePolicyVersionRequest, context: Context
    ) -> pb.CreatePolicyVersionResponse:
        """Keep a document."""
        actor, note = read_actor(request.actor, request.note)
        version = await self._governing.create(_document(request.document), author=actor, note=note)
        response = pb.CreatePolicyVersionResponse()
        await self._write(version, response.policy)
        return response

    async def ValidatePolicy(  # noqa: N802
        self, request: pb.ValidatePolicyRequest, context: Context
    ) -> pb.ValidatePolicyResponse:
        """Every mistake in a document."""
        mistakes = await self._governing.mistakes(_document(request.document))
        policy = None if mistakes else self._governing.check(request.document)
        return pb.ValidatePolicyResponse(mistakes=mistakes, policy=f"policies/{policy.version}" if policy else "")

    async def GetPolicyVersion(  # noqa: N802
        self, request: pb.GetPolicyVersionRequest, context: Context
    ) -> pb.GetPolicyVersionResponse:
        """One version, with its document."""
        if not request.name:
            read_policy_name(request.name, "name")  # raises
        response = pb.GetPolicyVersionResponse()
        await self._write(await self._found(read_optional_name(request.name, "name")), response.policy)
        return response

    async def ListPolicyVersions(  # noqa: N802
        self, request: pb.ListPolicyVersionsRequest, context: Context
    ) -> pb.ListPolicyVersionsResponse:
        """A page, newest first."""
        size, before = page_size(request.page_size), read_number_token(request.page_token, _VERSIONS)
        found = await self._governing.versions(before=before, limit=size + 1)
        slots, live = await self._governing.slots(), await self._governing.live()
        response = pb.ListPolicyVersionsResponse()
        for version in found[:size]:
            write_version(version, slots, live.version, response.policies.add())
        if len(found) > size:
            response.next_page_token = write_number_token(found[size - 1].number, _VERSIONS)
        return response

    async def ListPolicyChanges(  # noqa: N802
        self, request: pb.ListPolicyChangesRequest, context: Context
    ) -> pb.ListPolicyChangesResponse:
        """A page, newest first."""
        size, before = page_size(request.page_size), read_number_token(request.page_token, _CHANGES)
        found = await self._governing.changes(before=before, limit=size + 1)
        response = pb.ListPolicyChangesResponse()
        for change in found[:size]:
            write_change(change, response.changes.add())
        if len(found) > size:
            response.next_page_token = write_number_token(found[size - 1].number, _CHANGES)
        return response

    async def DiffPolicies(self, request: pb.DiffPoliciesRequest, context: Context) -> pb.DiffPoliciesResponse:  # noqa: N802
        """What changes, in words."""
        base = await self._found(read_optional_name(request.base, "base"))
        candidate = await self._found(read_policy_name(request.candidate, "candidate"))
        response = pb.DiffPoliciesResponse()
        for difference in await self._governing.difference(base.version, candidate.version):
            response.differences.add(section=difference.section, subject=difference.subject, words=difference.words)
        return response

    async def TestPolicy(self, request: pb.TestPolicyRequest, context: Context) -> pb.TestPolicyResponse:  # noqa: N802
        """What becomes of posts; nothing is recorded."""
        check_count("posts", len(request.posts), MAX_POSTS)
        posts = [read_post(post, f"posts[{index}]") for index, post in enumerate(request.posts)]
        response = pb.TestPolicyResponse()
        for trial in await self._trials(request, posts, deadline_of(context, self._default_deadline)):
            write_trial(trial, response.trials.add())
        return response

    async def _trials(self, request: pb.TestPolicyRequest, posts: Sequence[Post], deadline: float) -> list[Trial]:
        if request.WhichOneof("subject") == "document":
            document = _document(request.document)
            return await self._governing.test_document(document, posts, self._moderator, deadline=deadline)
        version = (await self._found(read_policy_name(request.policy, "policy"))).version
        return await self._governing.test(version, posts, self._moderator, deadline=deadline)

    async def BacktestPolicy(  # noqa: N802
        self, request: pb.BacktestPolicyRequest, context: Context
    ) -> pb.BacktestPolicyResponse:
        """What would have been decided otherwise."""
        if request.max_verdicts < 0:
            problem, remedy = f"{request.max_verdicts} is negative", f"send 1 to {MOST_POSTS:,}, or nothing"
            raise InvalidInput("max_verdicts", problem, remedy)
        backtest = await self._governing.backtest(
            (await self._found(read_policy_name(request.candidate, "candidate"))).version,
            base=(await self._found(read_optional_name(request.base, "base"))).version,
            days=request.days or _DAYS,
            limit=request.max_verdicts or _VERDICTS,
        )
        response = pb.BacktestPolicyResponse()
        write_backtest(backtest, response)
        return response

    async def PromotePolicy(self, request: pb.PromotePolicyRequest, context: Context) -> pb.PromotePolicyResponse:  # noqa: N802
        """Have a version decide."""
        actor, note = read_actor(request.actor, request.note)
        expected = read_optional_name(request.expected_live, "expected_live")
        version = (await self._found(read_policy_name(request.name, "name"))).version
        response = pb.PromotePolicyResponse()
        write_change(await self._governing.promote(version, actor=actor, note=note, expected=expected), response.change)
        return response

    async def SetShadowPolicy(  # noqa: N802
        self, request: pb.SetShadowPolicyRequest, context: Context
    ) -> pb.SetShadowPolicyResponse:
        """Run a version in shadow, or none."""
        actor, note = read_actor(request.actor, request.note)
        version = (await self._found(read_policy_name(request.name, "name"))).version if request.name else ""
        response = pb.SetShadowPolicyResponse()
        write_change(await self._governing.set_shadow(version, actor=actor, note=note), response.change)
        return response

    async def CompareShadow(self, request: pb.CompareShadowRequest, context: Context) -> pb.CompareShadowResponse:  # noqa: N802
        """How often it agreed."""
        version = (await self._found(read_policy_name(request.name, "name"))).version if request.name else ""
        response = pb.CompareShadowResponse()
        write_comparison(await self._governing.compare_shadow(version, days=request.days or None), response)
        return response

    async def RollBackPolicy(  # noqa: N802
        self, request: pb.RollBackPolicyRequest, context: Context
    ) -> pb.RollBackPolicyResponse:
        """Take the last promotion back."""
        actor, note = read_actor(request.actor, request.note)
        expected = read_optional_name(request.expected_live, "expected_live")
        response = pb.RollBackPolicyResponse()
        write_change(await self._governing.roll_back(actor=actor, note=note, expected=expected), response.change)
        return response

    async def GetBudget(self, request: pb.GetBudgetRequest, context: Context) -> pb.GetBudgetResponse:  # noqa: N802
        """How today's budget stands."""
        response = pb.GetBudgetResponse()
        write_budget(await self._governing.budget(), response.budget)
        return response

    async def CloseBreaker(self, request: pb.CloseBreakerRequest, context: Context) -> pb.CloseBreakerResponse:  # noqa: N802
        """Grant the day's budget once more."""
        actor, note = read_actor(request.actor, request.note)
        response = pb.CloseBreakerResponse()
        write_budget(await self._governing.close_breaker(actor=actor, note=note), response.budget)
        return response

    async def _found(self, version: str) -> PolicyVersion:
        try:
            return await self._governing.find(version)
        except PolicyNotFound as error:
            raise NoSuchPolicy(f"policies/{version}") from error

    async def _write(self, version: PolicyVersion, message: pb.PolicyVersion) -> None:
        """Fill the empty `message` with a version and its document."""
        write_version(version, await self._governing.slots(), (await self._governing.live()).version, message)
        message.document = version.document


def _document(document: str) -> str:
    if not document.strip():
        raise InvalidInput("document", "is missing", "send the YAML document of a policy")
    return document
