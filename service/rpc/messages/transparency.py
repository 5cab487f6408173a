"""Audit entries, erasures, statements and reports to messages, and what is asked of them back."""

from datetime import datetime

from assay.v1 import transparency_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from service.audit.chain import ChainReport
from service.audit.entry import AuditEntry, AuditFilter
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.rpc.messages.times import read_time, write_time
from service.transparency.batches import Rejected
from service.transparency.erasing import ErasureReport
from service.transparency.report import ReportFormat
from service.transparency.subject import Found, Subject

_MAX_NAME = 1_024
_FORMATS = {
    pb.REPORT_FORMAT_UNSPECIFIED: ReportFormat.JSON,
    pb.REPORT_FORMAT_JSON: ReportFormat.JSON,
    pb.REPORT_FORMAT_CSV: ReportFormat.CSV,
    pb.REPORT_FORMAT_MARKDOWN: ReportFormat.MARKDOWN,
}


def read_audit_filter(message: pb.AuditFilter) -> AuditFilter:
    """The filter. Raises `InvalidInput` naming the field, such as `filter.actor`."""
    for name in ("actor", "action", "subject"):
        check_text(f"filter.{name}", getattr(message, name), _MAX_NAME)
    return AuditFilter(
        actor=message.actor,
        action=message.action,
        subject=message.subject,
        start=read_time(message.start_time, "filter.start_time") if message.HasField("start_time") else None,
        end=read_time(message.end_time, "filter.end_time") if message.HasField("end_time") else None,
    )


def filter_parts(only: AuditFilter) -> tuple[str, ...]:
    """What page tokens are bound to."""
    times = (time.isoformat() if time else "" for time in (only.start, only.end))
    return "audit", only.actor, only.action, only.subject, *times


def write_entry(entry: AuditEntry, message: pb.AuditEntry) -> None:
    """Fill the empty `message`."""
    message.number, message.actor, message.action, message.subject = (
        entry.number,
        entry.actor,
        entry.action,
        entry.subject,
    )
    write_time(entry.at, message.time)
    message.detail.update(dict(entry.detail))
    message.previous_digest, message.digest = entry.previous, entry.digest


def write_chain(report: ChainReport) -> pb.VerifyAuditChainResponse:
    """The answer to a check."""
    return pb.VerifyAuditChainResponse(
        whole=report.whole,
        entries=report.entries,
        head_number=report.head.number,
        head_digest=report.head.digest,
        broken_entry=report.broken,
        problem=report.problem,
        expected_found=report.expected is not False,
        start_number=report.start.number,
    )


def read_period(request: pb.ExportStatementsRequest | pb.GetTransparencyReportRequest) -> tuple[datetime, datetime]:
    """Start and end. Raises `InvalidInput` where one is missing."""
    for name in ("start_time", "end_time"):
        if not request.HasField(name):
            raise InvalidInput(name, "is missing", "send the time that is asked about")
    return _time(request.start_time, "start_time"), _time(request.end_time, "end_time")


def read_format(number: int) -> ReportFormat:
    """The format. Raises `InvalidInput`."""
    found = {int(known): form for known, form in _FORMATS.items()}.get(number)
    if found is None:
        raise InvalidInput("format", f"{number} is no REPORT_FORMAT", "send one of 1 to 3, or nothing")
    return found


def write_rejected(rejected: Rejected, message: pb.RejectedStatement) -> None:
    """Fill the empty `message`."""
    message.post, message.sequence = rejected.post, rejected.sequence
    message.problems.extend(map(str, rejected.problems))


def read_subject(request: pb.EraseSubjectRequest) -> Subject:
    """Whom to erase; checked by whoever erases."""
    return Subject(author=request.author, posts=tuple(request.posts), platform=request.platform)


def write_erasure(report: ErasureReport) -> pb.EraseSubjectResponse:
    """The answer to an erasure."""
    return pb.EraseSubjectResponse(
        complete=report.complete,
        posts=report.posts,
        erased=[
            pb.ErasedRecords(store=store, kind=kind, count=count)
            for store, gone in report.erased.items()
            for kind, count in gone.items()
        ],
        remaining=map(_trace, report.remaining),
        kept=map(_trace, report.kept),
        shared_texts=report.shared_texts,
        audit_entry=report.entry,
        subject_digest=report.digest,
        salt=report.salt,
    )


def _trace(found: Found) -> pb.Trace:
    return pb.Trace(store=found.store, place=found.place, what=found.what, count=found.count, kept=found.kept)


def _time(message: Timestamp, field: str) -> datetime:
    return read_time(message, field)
