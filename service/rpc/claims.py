"""ClaimService: keeps claims for clients, and has workers match texts with them."""

from assay.v1 import claim_pb2
from assay.v1 import claim_service_pb2 as pb
from assay.v1.claim_service_pb2_grpc import ClaimServiceServicer, add_ClaimServiceServicer_to_server

from service.claims.limits import MAX_CLAIMS, check_reason
from service.claims.ports import ClaimStore
from service.domain.canonical import digest
from service.domain.claim import Claim, ClaimRecord
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.validation import check
from service.errors import InvalidInput, NotFound
from service.records.ports import RecordReader
from service.rpc.answers import check_size
from service.rpc.calls import Context, deadline_of
from service.rpc.message_limits import check_count, written
from service.rpc.messages.claim import read_claim, read_claim_name, try_claim, write_match, write_record
from service.rpc.messages.claim_requests import read_confirmation
from service.rpc.messages.enums import CHANGES
from service.rpc.messages.filter import read_claim_filter
from service.rpc.moderator import Moderator
from service.rpc.paging import page_size, read_claim_token, write_claim_token
from service.rpc.service import Service
from service.rpc.status import NoSuchClaim, NoSuchPost, status_of

MAX_TEXTS = 100
_PLATFORM = "claims"  # of texts that are only matched: no post of this name comes to be


class ClaimServicer(Service, ClaimServiceServicer):
    """Serves claims, and a pipeline's reading; `default_deadline` (seconds) for calls without one."""

    name = "assay.v1.ClaimService"
    add_to = add_ClaimServiceServicer_to_server

    def __init__(
        self, claims: ClaimStore, verdicts: RecordReader, moderator: Moderator, *, default_deadline: float
    ) -> None:
        self._claims, self._verdicts, self.ready = claims, verdicts, verdicts.ping
        self._moderator, self._default_deadline = moderator, default_deadline

    async def ImportClaims(self, request: pb.ImportClaimsRequest, context: Context) -> pb.ImportClaimsResponse:  # noqa: N802
        """Store the good claims at once, say what is wrong with the others."""
        check_count("claims", len(request.claims), MAX_CLAIMS)
        claims = [try_claim(claim, f"claims[{index}]") for index, claim in enumerate(request.claims)]
        good = [claim for claim in claims if isinstance(claim, Claim)]
        changes = iter(await self._claims.put(good) if good else ())
        response = pb.ImportClaimsResponse(claims_version=await self._claims.claims_version())
        for message, claim in zip(request.claims, claims, strict=True):
            if isinstance(claim, InvalidInput):
                response.results.add(claim=message.name, state=pb.IMPORT_STATE_REJECTED, error=status_of(claim))
            else:
                response.results.add(claim=claim.name, state=CHANGES.number(next(changes)))
        return response

    async def CreateClaim(self, request: pb.CreateClaimRequest, context: Context) -> pb.CreateClaimResponse:  # noqa: N802
        """Store one new claim."""
        if not request.HasField("claim"):
            raise InvalidInput("claim", "is missing", "send the claim to store")
        claim = read_claim(request.claim, "claim")
        response = pb.CreateClaimResponse()
        write_record(await self._claims.create(claim), response.claim)
        return response

    async def GetClaim(self, request: pb.GetClaimRequest, context: Context) -> pb.GetClaimResponse:  # noqa: N802
        """One claim."""
        response = pb.GetClaimResponse()
        write_record(await self._found(read_claim_name(request.name, "name")), response.claim)
        return response

    async def ListClaims(self, request: pb.ListClaimsRequest, context: Context) -> pb.ListClaimsResponse:  # noqa: N802
        """A page, by name; shorter than asked where it would be larger than a message may be."""
        only, size = read_claim_filter(request.filter), page_size(request.page_size)
        found = await self._claims.claims(only, after=read_claim_token(request.page_token, only), limit=size + 1)
        response = pb.ListClaimsResponse(claims_version=await self._claims.claims_version())
        count = written(found[:size], lambda record: _add(record, response))
        if count < len(found):
            response.next_page_token = write_claim_token(found[count - 1].claim.id, only)
        return response

    async def MatchClaims(self, request: pb.MatchClaimsRequest, context: Context) -> pb.MatchClaimsResponse:  # noqa: N802
        """The claims that each text comes near to; nothing is decided or recorded."""
        check_count("texts", len(request.texts), MAX_TEXTS)
        posts = [_post(text, f"texts[{index}]") for index, text in enumerate(request.texts)]
        judgements = await self._moderator.read(posts, deadline=deadline_of(context, self._default_deadline))
        response = pb.MatchClaimsResponse()
        for index, judgement in enumerate(judgements):
            _write_matches(judgement, f"texts[{index}]", response.results.add())
        check_size(response, "texts", "send fewer at once")
        return response

    async def ConfirmMatch(self, request: pb.ConfirmMatchRequest, context: Context) -> pb.ConfirmMatchResponse:  # noqa: N802
        """Keep a person's word on a post that has a verdict."""
        confirmation = read_confirmation(request)
        try:
            await self._verdicts.latest(confirmation.post)
        except NotFound as error:
            raise NoSuchPost(confirmation.post) from error
        response = pb.ConfirmMatchResponse()
        try:
            write_record(await self._claims.confirm(confirmation), response.claim)
        except NotFound as error:
            raise NoSuchClaim(request.claim) from error
        return response

    async def QuarantineClaim(  # noqa: N802
        self, request: pb.QuarantineClaimRequest, context: Context
    ) -> pb.QuarantineClaimResponse:
        """Out of enforcement."""
        claim_id = read_claim_name(request.name, "name")
        check_reason(request.reason)
        response = pb.QuarantineClaimResponse()
        write_record(await self._quarantined(claim_id, request.reason), response.claim)
        return response

    async def ReleaseClaim(self, request: pb.ReleaseClaimRequest, context: Context) -> pb.ReleaseClaimResponse:  # noqa: N802
        """Back into enforcement."""
        response = pb.ReleaseClaimResponse()
        write_record(await self._quarantined(read_claim_name(request.name, "name"), ""), response.claim)
        return response

    async def _quarantined(self, claim_id: str, reason: str) -> ClaimRecord:
        try:
            return await self._claims.quarantine(claim_id, reason)
        except NotFound as error:
            raise NoSuchClaim(f"claims/{claim_id}") from error

    async def _found(self, claim_id: str) -> ClaimRecord:
        try:
            return await self._claims.find_claim(claim_id)
        except NotFound as error:
            raise NoSuchClaim(f"claims/{claim_id}") from error


def _add(record: ClaimRecord, response: pb.ListClaimsResponse) -> claim_pb2.Claim:
    message = response.claims.add()
    write_record(record, message)
    return message


def _post(text: str, field: str) -> Post:
    """A post to be read and not kept, named by its text, so that one that stops the model is known when it returns."""
    post = Post(platform=_PLATFORM, id=digest(text), text=text)
    try:
        check(post)
    except InvalidInput as error:
        raise InvalidInput(field, error.problem, error.remedy) from None
    return post


def _write_matches(judgement: Judgement | None, field: str, message: pb.TextMatches) -> None:
    if judgement is None:
        raise InvalidInput(field, "stopped the model and was set aside", "send the others without it")
    for match in judgement.evidence.matches:
        write_match(match, message.matches.add())
