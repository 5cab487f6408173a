"""Why a call failed, or was never made, in words for the person at the client's end."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import grpc.aio

from service.errors import AssayError, DeadlineExceeded, InvalidInput, Unavailable
from service.rpc.status import error_of, status_from


def refusal(error: grpc.aio.AioRpcError, address: str) -> AssayError:
    """The error that the server sent; or, where only gRPC spoke, one that says what to do."""
    status = status_from(error)
    if status.details:
        return error_of(status)
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return Unavailable(f"no Assay service answers at {address}; start one with `assay up` ({status.message})")
        case grpc.StatusCode.INTERNAL | grpc.StatusCode.CANCELLED:  # the service's own INTERNAL has details
            return Unavailable(f"the connection to {address} broke ({status.message})")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(f"{address} did not answer in time; allow more, or look at its load")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return AssayError(f"{status.message}; a message holds 4 MiB: send less at once")
        case _:
            return error_of(status)


@contextmanager
def sendable(field: str) -> Iterator[None]:
    """Turns what protobuf raises at text that is not Unicode into an `InvalidInput` naming `field`."""
    try:
        yield
    except UnicodeEncodeError:
        raise InvalidInput(field, "holds half of a surrogate pair", "send text that UTF-8 can carry") from None
