"""AppealService: what authors contest, through the platform that they write on."""

import re

from assay.v1 import appeal_service_pb2 as pb
from assay.v1.appeal_service_pb2_grpc import AppealServiceServicer, add_AppealServiceServicer_to_server

from service.errors import AppealNotFound, InvalidInput, NotFound
from service.review.appeal import Appeal
from service.review.appealing import Appealing
from service.rpc.calls import Context, log_request_id
from service.rpc.message_limits import written
from service.rpc.messages.case import APPEAL_STATES, read_name, read_outcome, read_seconds, write_appeal
from service.rpc.messages.filter import read_members
from service.rpc.messages.post import POST_NAME
from service.rpc.paging import page_size, read_place, write_place
from service.rpc.service import Service
from service.rpc.status import NoSuchPost, NoSuchResource

_POST = re.compile(POST_NAME)
_OF_RULING = {"decision", "categories", "reason", "rationale"}


class NoSuchAppeal(NoSuchResource, AppealNotFound):
    """`NoSuchResource` of an appeal."""


class AppealServicer(Service, AppealServiceServicer):
    """Serves the use cases of appeals."""

    name = "assay.v1.AppealService"
    add_to = add_AppealServiceServicer_to_server

    def __init__(self, appealing: Appealing) -> None:
        self._appealing = appealing

    async def OpenAppeal(self, request: pb.OpenAppealRequest, context: Context) -> pb.OpenAppealResponse:  # noqa: N802
        """Contest the current verdict."""
        log_request_id(request.request_id)
        if not _POST.fullmatch(request.post):
            problem = f"{request.post[:80]!r} names no post" if request.post else "is missing"
            raise InvalidInput("post", problem, "send the name of a judged post, platforms/{platform}/posts/{post}")
        try:
            appeal = await self._appealing.open(request.post, request.statement, request_id=request.request_id)
        except NotFound as error:
            raise NoSuchPost(request.post) from error
        response = pb.OpenAppealResponse()
        write_appeal(appeal, response.appeal)
        return response

    async def GetAppeal(self, request: pb.GetAppealRequest, context: Context) -> pb.GetAppealResponse:  # noqa: N802
        """One appeal."""
        response = pb.GetAppealResponse()
        try:
            write_appeal(await self._appealing.find(read_name(request.name, "appeals")), response.appeal)
        except AppealNotFound as error:
            raise NoSuchAppeal(request.name, str(error), pb.Appeal) from error
        return response

    async def ListAppeals(self, request: pb.ListAppealsRequest, context: Context) -> pb.ListAppealsResponse:  # noqa: N802
        """A page, oldest first."""
        states, size = read_members(APPEAL_STATES, request.states, "states"), page_size(request.page_size)
        after = read_place(request.page_token, "appeals", *states)
        found = await self._appealing.list(states, after=after, limit=size + 1)
        response = pb.ListAppealsResponse()
        count = written(found[:size], lambda appeal: _add(appeal, response))
        if count < len(found):
            response.next_page_token = write_place(found[count - 1].id, "appeals", *states)
        return response

    async def DecideAppeal(self, request: pb.DecideAppealRequest, context: Context) -> pb.DecideAppealResponse:  # noqa: N802
        """Uphold or reject it."""
        appeal_id, seconds = read_name(request.name, "appeals"), read_seconds(request.time_spent, "time_spent")
        outcome, said = read_outcome(request.outcome, request.ruling)
        try:
            appeal, _ = await self._appealing.decide(appeal_id, request.moderator, outcome, said, seconds=seconds)
        except AppealNotFound as error:
            raise NoSuchAppeal(request.name, str(error), pb.Appeal) from error
        except InvalidInput as error:
            raise error.at("ruling") if error.field in _OF_RULING else error from None
        response = pb.DecideAppealResponse()
        write_appeal(appeal, response.appeal)
        return response


def _add(appeal: Appeal, response: pb.ListAppealsResponse) -> pb.Appeal:
    message = response.appeals.add()
    write_appeal(appeal, message)
    return message
