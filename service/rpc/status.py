"""Errors to google.rpc.Status with details, and back: one table for server and client.

ErrorInfo carries a stable reason; BadRequest the field; RetryInfo the wait; ResourceInfo the name that was not found.
"""

from collections.abc import Sequence
from typing import TypeVar

import grpc
import structlog
from assay.v1 import claim_pb2, post_pb2
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from service import errors
from service.errors import AssayError, InvalidInput, NotFound, Overloaded
from service.failures import log_incident

DOMAIN = "assay.dev"
DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"
_LONGEST = 400  # characters; HTTP/2 headers hold 8 KiB by default, and these stand there twice, encoded

_TABLE: dict[type[AssayError], tuple[grpc.StatusCode, str]] = {
    errors.InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
    errors.Conflict: (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_CONFLICT"),
    errors.AlreadyExists: (grpc.StatusCode.ALREADY_EXISTS, "CLAIM_EXISTS"),
    errors.AppealExists: (grpc.StatusCode.ALREADY_EXISTS, "APPEAL_EXISTS"),
    errors.AppealNotFound: (grpc.StatusCode.NOT_FOUND, "APPEAL_NOT_FOUND"),
    errors.CaseNotFound: (grpc.StatusCode.NOT_FOUND, "CASE_NOT_FOUND"),
    errors.ClaimNotFound: (grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND"),
    errors.WebhookNotFound: (grpc.StatusCode.NOT_FOUND, "WEBHOOK_NOT_FOUND"),
    errors.PolicyNotFound: (grpc.StatusCode.NOT_FOUND, "POLICY_NOT_FOUND"),
    errors.NotFound: (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND"),
    errors.Outdated: (grpc.StatusCode.ABORTED, "OUTDATED"),
    errors.NotDecided: (grpc.StatusCode.FAILED_PRECONDITION, "NOT_DECIDED"),
    errors.NotHeld: (grpc.StatusCode.FAILED_PRECONDITION, "NOT_HELD"),
    errors.NotAllowed: (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED"),
    errors.SignInRefused: (grpc.StatusCode.UNAUTHENTICATED, "SIGN_IN_REFUSED"),
    errors.TooManyTries: (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TRIES"),
    errors.Overloaded: (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
    errors.DeadlineExceeded: (grpc.StatusCode.DEADLINE_EXCEEDED, "NO_VERDICT_IN_TIME"),
    errors.StoreUnavailable: (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.RedisUnavailable: (grpc.StatusCode.UNAVAILABLE, "REDIS_UNAVAILABLE"),
    errors.NoWorker: (grpc.StatusCode.UNAVAILABLE, "NO_WORKER"),
    errors.Unavailable: (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
    errors.AssayError: (grpc.StatusCode.INTERNAL, "INTERNAL"),
}
_CLASSES = {reason: error for error, (_, reason) in _TABLE.items()}
CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_Detail = TypeVar("_Detail", bound=Message)

_log = structlog.get_logger("assay.rpc")


class NoSuchResource(NotFound):
    """`NotFound` with the resource name that was asked for, and the message that what it names would be sent as."""

    def __init__(self, name: str, problem: str, kind: type[Message]) -> None:
        super().__init__(problem)
        self.name, self.type = name, f"{DOMAIN}/{kind.DESCRIPTOR.name}"


class NoSuchPost(NoSuchResource):
    """`NoSuchResource` of a post."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"no post {name} was accepted", post_pb2.Post)


class NoSuchClaim(NoSuchResource, errors.ClaimNotFound):
    """`NoSuchResource` of a claim."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"there is no {name}; ListClaims lists what there is", claim_pb2.Claim)


# Out ------------------------------------------------------------------------------------------------------------------


def status_of(error: Exception) -> status_pb2.Status:
    """The status for `error`; for one that is no `AssayError`, INTERNAL with an incident id of the log."""
    if not isinstance(error, AssayError):
        incident = log_incident(_log, error)
        error = AssayError(f"internal error; quote incident {incident} to whoever runs this service")
    code, reason = next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
    details = [_packed(detail) for detail in _details(error, reason)]
    return status_pb2.Status(code=code.value[0], message=str(error)[:_LONGEST], details=details)


def trailers(status: status_pb2.Status) -> tuple[tuple[str, str | bytes], ...]:
    """Trailing metadata: the details, and the wait for a client's gRPC library."""
    found: tuple[tuple[str, str | bytes], ...] = ((DETAILS_KEY, status.SerializeToString()),)
    retry = _find(status, error_details_pb2.RetryInfo)
    if retry is not None:
        found += ((PUSHBACK_KEY, str(retry.retry_delay.ToMilliseconds())),)
    return found


def _details(error: AssayError, reason: str) -> Sequence[Message]:
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    match error:
        case InvalidInput():
            info.metadata["remedy"] = error.remedy
            violation = error_details_pb2.BadRequest.FieldViolation(
                field=error.field, description=f"{error.problem[:_LONGEST]}; {error.remedy}", reason=reason
            )
            return error_details_pb2.BadRequest(field_violations=[violation]), info
        case Overloaded():
            wait = duration_pb2.Duration()
            wait.FromMilliseconds(max(1, round(error.retry_after * 1_000)))
            return error_details_pb2.RetryInfo(retry_delay=wait), info
        case NoSuchResource():
            return error_details_pb2.ResourceInfo(
                resource_type=error.type, resource_name=error.name, description=str(error)
            ), info
        case _:
            return (info,)


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


# In -------------------------------------------------------------------------------------------------------------------


def error_of(status: status_pb2.Status) -> AssayError:
    """The error of a server's status; a plain `AssayError` naming the code where the reason is not Assay's."""
    info = _find(status, error_details_pb2.ErrorInfo)
    kind = _CLASSES.get(info.reason) if info else None
    if kind is None or info is None:
        return AssayError(f"{CODES.get(status.code, grpc.StatusCode.UNKNOWN).name}: {status.message}")
    if kind is InvalidInput:
        return _invalid_input(status, info.metadata["remedy"])
    if issubclass(kind, Overloaded):
        retry = _find(status, error_details_pb2.RetryInfo)
        return kind(status.message, retry.retry_delay.ToMilliseconds() / 1_000 if retry else 1.0)
    return kind(status.message)


def status_from(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The status that a failed call carries, with its details where it has them."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status(code=error.code().value[0], message=error.details() or "")


def _invalid_input(status: status_pb2.Status, remedy: str) -> InvalidInput:
    bad = _find(status, error_details_pb2.BadRequest)
    violation = bad.field_violations[0] if bad and bad.field_violations else None
    if violation is None:
        return InvalidInput("request", status.message, remedy)
    return InvalidInput(violation.field, violation.description.removesuffix(f"; {remedy}"), remedy)


def _find(status: status_pb2.Status, kind: type[_Detail]) -> _Detail | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None
