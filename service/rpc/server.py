"""The grpc.aio server: servicers, health, reflection and limits put together. uvloop is the entry point's choice."""

import asyncio
import errno

import grpc.aio
from assay.v1.appeal_service_pb2_grpc import add_AppealServiceServicer_to_server
from assay.v1.claim_service_pb2_grpc import add_ClaimServiceServicer_to_server
from assay.v1.moderation_service_pb2_grpc import add_ModerationServiceServicer_to_server
from assay.v1.policy_service_pb2_grpc import add_PolicyServiceServicer_to_server
from assay.v1.review_service_pb2_grpc import add_ReviewServiceServicer_to_server
from assay.v1.transparency_service_pb2_grpc import add_TransparencyServiceServicer_to_server
from assay.v1.verdict_service_pb2_grpc import add_VerdictServiceServicer_to_server
from assay.v1.webhook_service_pb2_grpc import add_WebhookServiceServicer_to_server
from grpc_health.v1 import health
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha.reflection import SERVICE_NAME, enable_server_reflection
from prometheus_client import REGISTRY, CollectorRegistry

from service.claims.ports import ClaimStore
from service.moderation.author import Weighing
from service.policy.governance.governing import Governing
from service.records.ports import Announcer, RecordReader
from service.review.casework import Casework
from service.rpc.answers import MAX_MESSAGE
from service.rpc.appeals import APPEALS, AppealServicer
from service.rpc.call_metrics import CallMetrics
from service.rpc.claims import ClaimServicer
from service.rpc.health import CLAIMS, MODERATION, VERDICTS, Readiness
from service.rpc.interceptors import CallInterceptor
from service.rpc.moderation import ModerationServicer
from service.rpc.moderator import Moderator
from service.rpc.policies import POLICIES, PolicyServicer
from service.rpc.reviews import REVIEWS, ReviewServicer
from service.rpc.transparency import TRANSPARENCY, TransparencyServicer
from service.rpc.verdicts import VerdictServicer
from service.rpc.watching import Watching
from service.rpc.webhooks import WEBHOOKS, WebhookServicer
from service.transparency.publishing import Publishing
from service.webhooks.managing import Endpoints

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not take half the calls
    ("grpc.keepalive_time_ms", 60_000),  # find clients that vanished without a word
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients may ping this often, also when idle
    ("grpc.keepalive_permit_without_calls", 1),
)


class Server:
    """Serves on `address` (`host:port`, port 0 for a free one, or `unix:path`). Made within a running loop.

    `webhooks` and `cases`: what WebhookService, and ReviewService with AppealService, serve where there is one.
    `reflection`: whether to serve gRPC reflection. `default_deadline`: seconds for calls that bring no deadline.
    `heartbeat`: seconds of silence in a watch. `registry` takes the metrics.
    """

    def __init__(
        self,
        moderator: Moderator,
        store: RecordReader,
        announcer: Announcer,
        weighing: Weighing,
        *,
        claims: ClaimStore,
        webhooks: Endpoints | None = None,
        cases: Casework | None = None,
        governing: Governing | None = None,
        publishing: Publishing | None = None,
        address: str,
        reflection: bool = False,
        default_deadline: float = 10.0,
        heartbeat: float = 10.0,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._address, self._stopping = address, asyncio.Event()
        self._readiness = Readiness(moderator, store, self._stopping)
        self._server = grpc.aio.server(interceptors=(CallInterceptor(CallMetrics(registry)),), options=_OPTIONS)
        moderation = ModerationServicer(moderator, weighing, default_deadline=default_deadline, stopping=self._stopping)
        verdicts = VerdictServicer(store, Watching(store, announcer, self._stopping, heartbeat=heartbeat))
        add_ModerationServiceServicer_to_server(moderation, self._server)
        add_VerdictServiceServicer_to_server(verdicts, self._server)
        claim_servicer = ClaimServicer(claims, store, moderator, default_deadline=default_deadline)
        add_ClaimServiceServicer_to_server(claim_servicer, self._server)
        if webhooks is not None:
            add_WebhookServiceServicer_to_server(WebhookServicer(webhooks), self._server)
        if cases is not None:
            add_ReviewServiceServicer_to_server(ReviewServicer(cases.reviewing), self._server)
            add_AppealServiceServicer_to_server(AppealServicer(cases.appealing), self._server)
        if governing is not None:
            policies = PolicyServicer(governing, moderator, default_deadline=default_deadline)
            add_PolicyServiceServicer_to_server(policies, self._server)
        if publishing is not None:
            add_TransparencyServiceServicer_to_server(TransparencyServicer(publishing), self._server)
        add_HealthServicer_to_server(self._readiness.servicer, self._server)
        if reflection:
            served = (MODERATION, VERDICTS, CLAIMS, *((WEBHOOKS,) if webhooks is not None else ()))
            served = (*served, *((REVIEWS, APPEALS) if cases is not None else ()))
            served = (*served, *((POLICIES,) if governing is not None else ()))
            served = (*served, *((TRANSPARENCY,) if publishing is not None else ()))
            enable_server_reflection((*served, health.SERVICE_NAME, SERVICE_NAME), self._server)

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
