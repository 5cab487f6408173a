"""VerdictService: reads the record store for clients."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

from assay.v1 import verdict_pb2
from assay.v1 import verdict_service_pb2 as pb
from assay.v1.verdict_service_pb2_grpc import VerdictServiceServicer, add_VerdictServiceServicer_to_server

from service.domain.evidence import related
from service.domain.verdict import Verdict
from service.errors import InvalidInput, NotFound
from service.records.ports import RecordReader
from service.rpc.calls import Context
from service.rpc.message_limits import written
from service.rpc.messages.enums import wants_evidence
from service.rpc.messages.filter import read_filter
from service.rpc.messages.post import POST_NAME
from service.rpc.messages.verdict import write_verdict
from service.rpc.paging import page_size, read_token, write_token
from service.rpc.service import Service
from service.rpc.status import NoSuchResource
from service.rpc.watching import Watching, read_cursor

_NAME = re.compile(f"({POST_NAME})/verdict")


class VerdictServicer(Service, VerdictServiceServicer):
    """Serves a record store's verdicts."""

    name = "assay.v1.VerdictService"
    add_to = add_VerdictServiceServicer_to_server

    def __init__(self, store: RecordReader, watching: Watching) -> None:
        self._store, self._watching, self.ready = store, watching, store.ping

    async def GetVerdict(self, request: pb.GetVerdictRequest, context: Context) -> pb.GetVerdictResponse:  # noqa: N802
        """The verdict of a post's current version."""
        evidence = wants_evidence(request.view, default=True)
        post = _post_of(request.name)
        try:
            verdict = await self._store.latest(post)
        except NotFound as error:
            raise NoSuchResource(
                request.name, str(error) or f"no post {post} was accepted", verdict_pb2.Verdict
            ) from error
        response = pb.GetVerdictResponse()
        await self._write(verdict, response.verdict, evidence=evidence)
        return response

    async def ListVerdicts(self, request: pb.ListVerdictsRequest, context: Context) -> pb.ListVerdictsResponse:  # noqa: N802
        """A page, newest first; shorter than asked where evidence would make it larger than a message may be."""
        evidence = wants_evidence(request.view, default=False)
        only, size = read_filter(request.filter), page_size(request.page_size)
        found = await self._store.page(only, before=read_token(request.page_token, only), limit=size + 1)
        verdicts = await self._located(found[:size], evidence=evidence)
        response = pb.ListVerdictsResponse()
        count = written(verdicts, lambda verdict: _add(verdict, response, evidence=evidence))
        if count < len(found):
            response.next_page_token = write_token(found[count - 1].sequence, only)
        return response

    async def WatchVerdicts(  # noqa: N802
        self,
        request: pb.WatchVerdictsRequest,
        context: Context,
    ) -> AsyncIterator[pb.WatchVerdictsResponse]:
        """Verdicts as they are recorded."""
        evidence = wants_evidence(request.view, default=False)
        only = read_filter(request.filter)
        async with aclosing(self._watching.follow(read_cursor(request.cursor), only)) as following:
            async for cursor, verdict in following:
                response = pb.WatchVerdictsResponse(cursor=str(cursor))
                if verdict is not None:
                    await self._write(verdict, response.verdict, evidence=evidence)
                yield response

    async def _write(self, verdict: Verdict, message: verdict_pb2.Verdict, *, evidence: bool) -> None:
        [located] = await self._located([verdict], evidence=evidence)
        write_verdict(located, message, evidence=evidence)

    async def _located(self, verdicts: list[Verdict], *, evidence: bool) -> list[Verdict]:
        """The verdicts, with offsets in bytes of the posts' texts as they were sent where evidence is asked for."""
        if not evidence:
            return verdicts
        posts = await self._store.posts([verdict.post for verdict in verdicts])
        return [related(verdict, post.text) if post else verdict for verdict, post in zip(verdicts, posts, strict=True)]


def _add(verdict: Verdict, response: pb.ListVerdictsResponse, *, evidence: bool) -> verdict_pb2.Verdict:
    message = response.verdicts.add()
    write_verdict(verdict, message, evidence=evidence)
    return message


def _post_of(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name[:80]!r} is not platforms/{{platform}}/posts/{{post}}/verdict" if name else "is missing"
        raise InvalidInput("name", problem, "send the post's name followed by /verdict")
    return found[1]
