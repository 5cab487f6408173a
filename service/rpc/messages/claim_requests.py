"""What people say of matches, to messages and back."""

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
_MODERATOR, _NOTE = 256, 4_096


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
