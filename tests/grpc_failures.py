"""What a failed call says."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2


@dataclass
class Failure:
    """A failed call: code, message, trailers and details."""

    code: grpc.StatusCode
    message: str
    metadata: dict[str, str | bytes]
    status: status_pb2.Status

    def detail(self, kind: type[Message]) -> Any:
        for packed in self.status.details:
            found = kind()
            if packed.Unpack(found):
                return found
        raise AssertionError(f"no {kind.__name__} in {self.status}")

    @property
    def field(self) -> str:
        return str(self.detail(error_details_pb2.BadRequest).field_violations[0].field)

    @property
    def description(self) -> str:
        return str(self.detail(error_details_pb2.BadRequest).field_violations[0].description)

    @property
    def reason(self) -> str:
        return str(self.detail(error_details_pb2.ErrorInfo).reason)


def failure_in(status: status_pb2.Status) -> Failure:
    """The failure of one item of a call."""
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    return Failure(code, status.message, {}, status)


async def failure_of(call: Awaitable[object]) -> Failure:
    """Awaits a call that must fail, and gives the failure."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    metadata = dict(caught.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b""))
    return Failure(caught.value.code(), caught.value.details() or "", metadata, status)
