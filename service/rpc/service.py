"""What a server serves: each service knows its name, how it is added to a server, and whether it is ready."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

import grpc.aio

MODERATION = "assay.v1.ModerationService"


class Service:
    """The base of servicers."""

    name: ClassVar[str]
    ready: Callable[[], Awaitable[object]] | None = None
    """Returns when calls can be answered and raises `Unavailable` otherwise, where the health service tells of it."""

    def add_to(self, server: grpc.aio.Server, /) -> None:
        """Serve it. Servicers have the generated function under this name."""
        raise NotImplementedError
