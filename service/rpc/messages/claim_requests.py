"""What people say of matches and claims, to messages and back."""

import re

from assay.v1 import claim_service_pb2 as pb

from service.domain.claim import Confirmation
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.rpc.client_errors import sendable
from service.rpc.messages.claim import read_claim_name
from service.rpc.messages.enums import RELATIONS
from service.rpc.messages.post import POST_NAME

_POST = re.compile(POST_NAME)
_MODERATOR, _NOTE, _REASON = 256, 4_096, 1_024


def read_confirmation(request: pb.ConfirmMatchRequest) -> Confirmation:
    """The person's word. Raises `InvalidInput` naming the field."""
    if not _POST.fullmatch(request.post):
        problem = f"{request.post[:80]!r} names no post" if request.post else "is missing"
        raise InvalidInput("post", problem, "send the name of a judged post, platforms/{platform}/posts/{post}")
    claim_id = read_claim_name(request.claim, "claim")
    relation = RELATIONS.member(request.relation, "relation")
    if relation is None:
        raise InvalidInput("relation", "is missing", "say how the post stands to the claim, 4 when it doesn't")
    if not request.moderator.strip():
        raise InvalidInput("moderator", "is missing", "say who says so, by a pseudonym")
    check_text("moderator", request.moderator, _MODERATOR)
    check_text("note", request.note, _NOTE)
    return Confirmation(
        post=request.post, claim_id=claim_id, relation=relation, moderator=request.moderator, note=request.note
    )


def encode_confirmation(confirmation: Confirmation) -> pb.ConfirmMatchRequest:
    """The request. Raises `InvalidInput` for text that is not Unicode."""
    with sendable("confirmation"):
        return pb.ConfirmMatchRequest(
            post=confirmation.post,
            claim=f"claims/{confirmation.claim_id}",
            relation=RELATIONS.number(confirmation.relation),
            moderator=confirmation.moderator,
            note=confirmation.note,
        )


def read_quarantine(request: pb.QuarantineClaimRequest) -> tuple[str, str]:
    """The claim's id, and why it is quarantined: empty when it is put back. Raises `InvalidInput` naming the field."""
    claim_id = read_claim_name(request.name, "name")
    if request.release and request.reason:
        raise InvalidInput("reason", "is given, and the claim is put back", "send either reason or release")
    if not request.release and not request.reason.strip():
        raise InvalidInput("reason", "is missing", "say why the claim is quarantined, or send release to put it back")
    check_text("reason", request.reason, _REASON)
    return claim_id, request.reason


def encode_quarantine(claim_id: str, reason: str) -> pb.QuarantineClaimRequest:
    """The request; with an empty `reason` to put the claim back. Raises `InvalidInput` for text that is not Unicode."""
    with sendable("quarantine"):
        return pb.QuarantineClaimRequest(name=f"claims/{claim_id}", reason=reason, release=not reason)
