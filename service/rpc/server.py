"""The grpc.aio server: services, health, reflection and limits put together. uvloop is the entry point's choice."""

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc.aio
from grpc_health.v1 import health
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha.reflection import SERVICE_NAME, enable_server_reflection
from prometheus_client import REGISTRY, CollectorRegistry

from service.rpc.answers import MAX_MESSAGE
from service.rpc.call_metrics import CallMetrics
from service.rpc.health import Readiness
from service.rpc.interceptors import CallInterceptor
from service.rpc.service import Service

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not take half the calls
    ("grpc.keepalive_time_ms", 60_000),  # find clients that vanished without a word
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients may ping this often, also when idle
    ("grpc.keepalive_permit_without_calls", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a server serves, and what its services share.

    `address`: `host:port`, port 0 for a free one, or `unix:path`. `default_deadline`: seconds for calls that bring no
    deadline. `heartbeat`: seconds of silence in a watch. `registry` takes the metrics. `stopping` is set when it stops:
    watches and streams end.
    """

    address: str
    reflection: bool = False
    default_deadline: float = 10.0
    heartbeat: float = 10.0
    registry: CollectorRegistry = REGISTRY
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Server:
    """Serves the services. Made within a running loop."""

    def __init__(self, services: Sequence[Service], options: ServerOptions) -> None:
        self._address, self._stopping = options.address, options.stopping
        self._readiness = Readiness(services, options.stopping)
        self._server = grpc.aio.server(interceptors=(CallInterceptor(CallMetrics(options.registry)),), options=_OPTIONS)
        for service in services:
            service.add_to(self._server)
        add_HealthServicer_to_server(self._readiness.servicer, self._server)
        if options.reflection:
            names = [service.name for service in services]
            enable_server_reflection((*names, health.SERVICE_NAME, SERVICE_NAME), self._server)

    async def start(self) -> int:
        """Serve; returns the port. Raises `OSError` when the address is taken."""
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {self._address}; free it or choose another") from error
        await self._readiness.start()
        await self._server.start()
        return port

    async def stop(self, grace: float = 10.0) -> None:
        """Refuse new calls and let open ones finish for up to `grace` seconds. Watches and streams end."""
        await self._readiness.drain()
        self._stopping.set()
        await self._server.stop(grace)
