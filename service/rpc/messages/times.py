"""Aware datetimes to protobuf timestamps and back, exact to the microsecond."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from service.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_time(time: datetime, message: Timestamp) -> None:
    """Set `message` to `time`."""
    since = time - _EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1_000


def read_time(message: Timestamp, field: str) -> datetime:
    """The time in UTC, nanoseconds cut off. Raises `InvalidInput` naming `field` outside the years 1 to 9999."""
    if 0 <= message.nanos < 1_000_000_000:
        with suppress(OverflowError):
            return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
    raise InvalidInput(
        field,
        f"seconds {message.seconds}, nanos {message.nanos} is no timestamp",
        "send seconds within the years 1 to 9999 and nanos from 0 to 999,999,999",
    )
