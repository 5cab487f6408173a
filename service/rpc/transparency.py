"""TransparencyService: the audit log, statements of reasons, reports and erasures, for the platform."""

import json
from collections.abc import AsyncIterator

from assay.v1 import transparency_service_pb2 as pb
from assay.v1.transparency_service_pb2_grpc import (
    TransparencyServiceServicer,
    add_TransparencyServiceServicer_to_server,
)
from google.protobuf.message import Message

from service.audit.entry import AuditEntry
from service.rpc.calls import Context
from service.rpc.message_limits import written
from service.rpc.messages.transparency import (
    filter_parts,
    read_audit_filter,
    read_format,
    read_period,
    read_subject,
    write_chain,
    write_entry,
    write_erasure,
    write_rejected,
)
from service.rpc.paging import page_size, read_place, write_place
from service.rpc.service import Service
from service.transparency.publishing import Publishing

_ACTOR = "platform"  # who calls the API


class TransparencyServicer(Service, TransparencyServiceServicer):
    """Serves the use cases of transparency."""

    name = "assay.v1.TransparencyService"
    add_to = add_TransparencyServiceServicer_to_server

    def __init__(self, publishing: Publishing) -> None:
        self._publishing = publishing

    async def ListAuditEntries(  # noqa: N802
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        """A page, newest first; shorter than asked where it would be larger than a message may be."""
        only, size = read_audit_filter(request.filter), page_size(request.page_size)
        place = read_place(request.page_token, *filter_parts(only))
        before = int(place) if place else None
        found = await self._publishing.entries(only, before=before, limit=size + 1, actor=_ACTOR)
        response = pb.ListAuditEntriesResponse()
        count = written(found[:size], lambda entry: _add(entry, response))
        if count < len(found):
            response.next_page_token = write_place(str(found[count - 1].number), *filter_parts(only))
        return response

    async def VerifyAuditChain(  # noqa: N802
        self, request: pb.VerifyAuditChainRequest, context: Context
    ) -> pb.VerifyAuditChainResponse:
        """Whether the chain is whole."""
        return write_chain(await self._publishing.verify(request.expect))

    async def ExportStatements(  # noqa: N802
        self, request: pb.ExportStatementsRequest, context: Context
    ) -> AsyncIterator[pb.ExportStatementsResponse]:
        """Batch after batch."""
        start, end = read_period(request)
        async for batch in self._publishing.statements(start, end, actor=_ACTOR):
            response = pb.ExportStatementsResponse(count=len(batch.statements))
            if batch.statements:
                response.body = json.dumps(batch.body, ensure_ascii=False)
            for rejected in batch.rejected:
                write_rejected(rejected, response.rejected.add())
            yield response

    async def GetTransparencyReport(  # noqa: N802
        self, request: pb.GetTransparencyReportRequest, context: Context
    ) -> pb.GetTransparencyReportResponse:
        """The numbers, as asked for."""
        start, end = read_period(request)
        wanted = read_format(request.format)
        report = await self._publishing.report(start, end, actor=_ACTOR)
        return pb.GetTransparencyReportResponse(report=report.written(wanted))

    async def EraseSubject(  # noqa: N802
        self, request: pb.EraseSubjectRequest, context: Context
    ) -> pb.EraseSubjectResponse:
        """Erase, and prove it."""
        return write_erasure(await self._publishing.erase(read_subject(request), actor=_ACTOR))


def _add(entry: AuditEntry, response: pb.ListAuditEntriesResponse) -> Message:
    message = response.entries.add()
    write_entry(entry, message)
    return message
