"""A typed client of the services: domain objects in and out, errors as `AssayError`s.

Retries are a loop of our own, gRPC's being turned off: its policy can neither honour the RetryInfo of one post in a
stream nor resume a watch by its cursor. UNAVAILABLE and RESOURCE_EXHAUSTED are tried again for as long as `patience`
says; every call is safe to repeat.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc.aio
from assay.v1 import claim_service_pb2 as claim_pb
from assay.v1 import moderation_service_pb2 as moderation
from assay.v1 import verdict_pb2
from assay.v1 import verdict_service_pb2 as verdicts
from assay.v1.claim_service_pb2_grpc import ClaimServiceStub
from assay.v1.moderation_service_pb2_grpc import ModerationServiceStub
from assay.v1.verdict_service_pb2_grpc import VerdictServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.claims.limits import MAX_CLAIMS
from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, Confirmation, Match
from service.domain.post import Post
from service.domain.validation import MAX_BATCH
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import AssayError
from service.moderation.author import AuthorJudgement
from service.rpc.answers import MAX_MESSAGE
from service.rpc.client.backoff import Backoff
from service.rpc.client.stream import PostStream
from service.rpc.client_errors import refusal, sendable
from service.rpc.message_limits import portions
from service.rpc.messages.author import encode_timeline, read_author
from service.rpc.messages.claim import encode_claim, read_match, read_record
from service.rpc.messages.claim_requests import encode_confirmation
from service.rpc.messages.enums import CHANGES
from service.rpc.messages.filter import encode_claim_filter, encode_filter
from service.rpc.messages.post import encode_post
from service.rpc.messages.verdict import read_verdict
from service.rpc.paging import MAX_PAGE
from service.rpc.service import MODERATION
from service.rpc.status import error_of

_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 0),
)
ALL, ALL_CLAIMS = VerdictFilter(), ClaimFilter()
_Answer = TypeVar("_Answer")


class Client:
    """Calls the service at `address`. Use it as an async context manager.

    `timeout`: seconds for one attempt of a unary call. `patience`: seconds for which passing trouble is waited out.
    Methods raise `AssayError`, and `InvalidInput` before sending what no message can carry.
    """

    def __init__(self, address: str, *, timeout: float = 15.0, patience: float = 10.0) -> None:
        self._address, self._timeout, self._patience = address, timeout, patience
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._moderation, self._verdicts = ModerationServiceStub(self._channel), VerdictServiceStub(self._channel)
        self._claims = ClaimServiceStub(self._channel)
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._channel.close()

    async def moderate(self, post: Post, *, correlation_id: str = "") -> Verdict:
        """The verdict of one post, with evidence."""
        request = moderation.ModeratePostRequest(post=encode_post(post), correlation_id=correlation_id)
        response = await self._ask(lambda: self._moderation.ModeratePost(request, timeout=self._timeout))
        return read_verdict(response.verdict)

    async def moderate_author(self, author: str, posts: Sequence[Post], *, correlation_id: str = "") -> AuthorJudgement:
        """What up to 50 posts of one author say together; nothing becomes of the posts themselves."""
        request = encode_timeline(author, posts, correlation_id)
        response = await self._ask(lambda: self._moderation.ModerateAuthor(request, timeout=self._timeout))
        return read_author(response.judgement)

    def moderate_stream(
        self, posts: Iterable[Post] | AsyncIterable[Post], *, evidence: bool = False
    ) -> AsyncGenerator[tuple[int, Verdict | AssayError], None]:
        """Position of each post, counted from 0, and its answer, as they are ready.

        `posts` is read as answers come, 1,024 ahead at most. A broken connection is opened again and what was not
        answered is sent again; a post refused for load is sent again when its time has come.
        """
        stream = PostStream(
            self._moderation.StreamModeration, posts, evidence=evidence, patience=self._patience, address=self._address
        )
        return stream.answers()

    async def submit(self, posts: Sequence[Post], *, request_id: str = "") -> list[bool | AssayError]:
        """Hand posts over for judging in the background; per post True (new), False (known) or why it was refused.

        Split over as many calls as size limits ask for; the later ones go by `request_id` with `/2`, `/3` ... appended.
        """
        answers: list[bool | AssayError] = []
        for number, portion in enumerate(portions(map(encode_post, posts), MAX_BATCH), 1):
            part_id = f"{request_id}/{number}" if request_id and number > 1 else request_id
            request = moderation.SubmitPostsRequest(posts=portion, request_id=part_id)
            response = await self._ask(lambda r=request: self._moderation.SubmitPosts(r, timeout=self._timeout))  # type: ignore[misc]
            answers.extend(map(_submitted, response.results))
        return answers

    async def watch(
        self, cursor: str = "", only: VerdictFilter = ALL, *, evidence: bool = False
    ) -> AsyncGenerator[tuple[str, Verdict | None], None]:
        """Cursor and verdict as verdicts are recorded after `cursor`; None in a heartbeat. Reconnects by itself."""
        request = verdicts.WatchVerdictsRequest(filter=encode_filter(only), cursor=cursor, view=_view(evidence))
        backoff = Backoff(self._patience)
        while True:
            try:
                async for response in self._verdicts.WatchVerdicts(request):
                    backoff.reset()
                    request.cursor = response.cursor
                    yield response.cursor, read_verdict(response.verdict) if response.HasField("verdict") else None
            except grpc.aio.AioRpcError as error:
                await self._wait_out(refusal(error, self._address), backoff)

    async def verdict(self, name: str) -> Verdict:
        """The verdict of the post called `name`, with evidence."""
        request = verdicts.GetVerdictRequest(name=name if name.endswith("/verdict") else f"{name}/verdict")
        response = await self._ask(lambda: self._verdicts.GetVerdict(request, timeout=self._timeout))
        return read_verdict(response.verdict)

    async def import_claims(self, claims: Sequence[Claim]) -> list[Change | AssayError]:
        """Store claims by id; per claim what that did, or why it was refused. One whose id is empty is given one.

        Split over as many calls as size limits ask for; of several claims with one id the last counts.
        """
        changes: list[Change | AssayError] = []
        for portion in portions([encode_claim(claim) for claim in claims], MAX_CLAIMS):
            request = claim_pb.ImportClaimsRequest(claims=portion)
            response = await self._ask(lambda r=request: self._claims.ImportClaims(r, timeout=self._timeout))  # type: ignore[misc]
            changes.extend(map(_imported, response.results))
        return changes

    async def create_claim(self, claim: Claim) -> ClaimRecord:
        """Store a new claim. Raises `AlreadyExists`, also where an attempt stored it and its answer was lost."""
        request = claim_pb.CreateClaimRequest(claim=encode_claim(claim))
        response = await self._ask(lambda: self._claims.CreateClaim(request, timeout=self._timeout))
        return read_record(response.claim)

    async def claim(self, claim_id: str) -> ClaimRecord:
        """The claim of that id. Raises `ClaimNotFound`."""
        with sendable("claim_id"):
            request = claim_pb.GetClaimRequest(name=f"claims/{claim_id}")
        response = await self._ask(lambda: self._claims.GetClaim(request, timeout=self._timeout))
        return read_record(response.claim)

    async def list_claims(self, only: ClaimFilter = ALL_CLAIMS) -> AsyncGenerator[ClaimRecord, None]:
        """All claims that `only` lets through, in the order of their ids, page by page as they are asked for."""
        request = claim_pb.ListClaimsRequest(filter=encode_claim_filter(only), page_size=MAX_PAGE)
        while True:
            response = await self._ask(lambda: self._claims.ListClaims(request, timeout=self._timeout))
            for message in response.claims:
                yield read_record(message)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    async def match_claims(self, texts: Sequence[str]) -> list[tuple[Match, ...]]:
        """The claims that each of 1 to 100 texts comes near to, likeliest first."""
        with sendable("texts"):
            request = claim_pb.MatchClaimsRequest(texts=texts)
        response = await self._ask(lambda: self._claims.MatchClaims(request, timeout=self._timeout))
        return [tuple(map(read_match, result.matches)) for result in response.results]

    async def confirm_match(self, confirmation: Confirmation) -> ClaimRecord:
        """Say how a post stands to a claim. Raises `NotFound`, `NotDecided`."""
        request = encode_confirmation(confirmation)
        response = await self._ask(lambda: self._claims.ConfirmMatch(request, timeout=self._timeout))
        return read_record(response.claim)

    async def quarantine_claim(self, claim_id: str, reason: str) -> ClaimRecord:
        """Take a claim out of enforcement for `reason`. Raises `ClaimNotFound`."""
        with sendable("reason"):
            request = claim_pb.QuarantineClaimRequest(name=f"claims/{claim_id}", reason=reason)
        response = await self._ask(lambda: self._claims.QuarantineClaim(request, timeout=self._timeout))
        return read_record(response.claim)

    async def release_claim(self, claim_id: str) -> ClaimRecord:
        """Put a claim back into enforcement. Raises `ClaimNotFound`."""
        with sendable("claim_id"):
            request = claim_pb.ReleaseClaimRequest(name=f"claims/{claim_id}")
        response = await self._ask(lambda: self._claims.ReleaseClaim(request, timeout=self._timeout))
        return read_record(response.claim)

    async def ready(self) -> bool:
        """Whether the service has all it needs to judge posts now. Never raises."""
        request = health_pb2.HealthCheckRequest(service=MODERATION)
        try:
            response = await self._health.Check(request, timeout=2.0)
        except grpc.aio.AioRpcError:
            return False
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)

    async def _ask(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        backoff = Backoff(self._patience)
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                await self._wait_out(refusal(error, self._address), backoff)

    async def _wait_out(self, error: AssayError, backoff: Backoff) -> None:
        wait = backoff.wait_for(error)
        if wait is None:
            raise error
        await asyncio.sleep(wait)


def _submitted(result: moderation.SubmissionResult) -> bool | AssayError:
    if result.state == moderation.SUBMISSION_STATE_REJECTED:
        return error_of(result.error)
    return result.state == moderation.SUBMISSION_STATE_ACCEPTED


def _imported(result: claim_pb.ImportResult) -> Change | AssayError:
    if result.state == claim_pb.IMPORT_STATE_REJECTED:
        return error_of(result.error)
    return CHANGES.member(result.state, "state") or Change.UNCHANGED


def _view(evidence: bool) -> verdict_pb2.VerdictView.ValueType:
    return verdict_pb2.VERDICT_VIEW_FULL if evidence else verdict_pb2.VERDICT_VIEW_BASIC
