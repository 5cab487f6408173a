"""The standard health service: alive while the loop runs, and ready per service, refreshed in the background.

The empty service name is SERVING for as long as the process answers, also while it drains.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from grpc_health.v1 import health, health_pb2

from service.errors import AssayError, Unavailable
from service.failures import described
from service.records.ports import RecordReader
from service.rpc.calls import Context
from service.rpc.moderator import Moderator

MODERATION, VERDICTS, CLAIMS = "assay.v1.ModerationService", "assay.v1.VerdictService", "assay.v1.ClaimService"
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING

_EAGER = 8

_log = structlog.get_logger("assay.rpc")


class HealthServicer(health.aio.HealthServicer):
    """grpc-health-checking's servicer, whose watches end when `stopping` is set instead of holding the server up."""

    def __init__(self, stopping: asyncio.Event) -> None:
        super().__init__()
        self._stopping = stopping

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802
        """The status of one service, at once and at each change."""
        watch = asyncio.create_task(super().Watch(request, context))
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({watch, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watch, stop):
                task.cancel()
            await asyncio.gather(watch, stop, return_exceptions=True)


class Readiness:
    """Keeps the servicer told whether each service is ready, asking every `interval` seconds, more often while not."""

    def __init__(
        self, moderator: Moderator, store: RecordReader, stopping: asyncio.Event, *, interval: float = 2.0
    ) -> None:
        self.servicer = HealthServicer(stopping)
        self._checks: dict[str, Callable[[], Awaitable[Any]]] = {
            MODERATION: moderator.ready,
            VERDICTS: store.ping,
            CLAIMS: store.ping,
        }
        self._ready: dict[str, bool | None] = dict.fromkeys(self._checks)
        self._interval = interval
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ask once, then in the background."""
        await self._refresh()
        self._loop = asyncio.create_task(self._run())

    async def drain(self) -> None:
        """Ask no more; all services are NOT_SERVING from now on."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        for service in self._checks:
            await self.servicer.set(service, _NOT_SERVING)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval if all(self._ready.values()) else self._interval / _EAGER)
            await self._refresh()

    async def _refresh(self) -> None:
        await asyncio.gather(*(self._check(service, check) for service, check in self._checks.items()))

    async def _check(self, service: str, check: Callable[[], Awaitable[Any]]) -> None:
        why: dict[str, Any] = {}
        try:
            async with asyncio.timeout(2 * self._interval):
                await check()
        except (Unavailable, TimeoutError) as error:
            why = {"reason": str(error) or "no answer in time"}
        except Exception as error:  # noqa: BLE001 - a check that fails in any way says not ready, and is asked again
            why = {"reason": str(error)} if isinstance(error, AssayError) else described(error)
        if self._ready[service] is not (not why):
            _log.info("readiness", service=service, ready=not why, **why)
        self._ready[service] = not why
        await self.servicer.set(service, _NOT_SERVING if why else _SERVING)
