"""Servers under test: of posts, verdicts and claims, and of whatever else a test is about."""

from typing import Any

from prometheus_client import CollectorRegistry

from service.claims.sql import SqlClaims
from service.moderation.author import Weighing
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.rpc.claims import ClaimServicer
from service.rpc.moderation import ModerationServicer
from service.rpc.moderator import Moderator
from service.rpc.server import Server, ServerOptions
from service.rpc.service import Service
from service.rpc.verdicts import VerdictServicer
from service.rpc.watching import Watching
from tests.fakes.store import RecordStore


def server_of(
    moderator: Moderator,
    store: RecordStore,
    announcer: Announcer,
    weighing: Weighing,
    *others: Service,
    address: str = "127.0.0.1:0",
    registry: CollectorRegistry | None = None,
    **options: Any,
) -> Server:
    """A server, not started yet, with metrics of its own."""
    chosen = ServerOptions(address=address, registry=registry or CollectorRegistry(), **options)
    claims = SqlClaims.beside(store) if isinstance(store, SqlStore) else store
    deadline, stopping = chosen.default_deadline, chosen.stopping
    services = (
        ModerationServicer(moderator, weighing, default_deadline=deadline, stopping=stopping),
        VerdictServicer(store, Watching(store, announcer, stopping, heartbeat=chosen.heartbeat)),
        ClaimServicer(claims, store, moderator, default_deadline=deadline),
    )
    return Server((*services, *others), chosen)
