"""Chooses the adapters of policy governance: settings in, wired parts out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.moderation.ports import Observer
from service.policy.budget import Budget
from service.policy.certificate import Certificate
from service.policy.document import DEFAULT, PolicyDocuments
from service.policy.governance.governing import Governing, PolicyParts
from service.policy.governance.live import LivePolicy, PolicyWatch
from service.policy.governance.ports import WatchObserver
from service.policy.governance.shadow import FOLLOWER, Shadow
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.records.followers import Followed, Follower
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.supervision import kept_running


def document(settings: Settings) -> str:
    """The policy file of the settings, or the shipped one. Raises `OSError`, and `UnicodeDecodeError`."""
    return (settings.policy or DEFAULT).read_text(encoding="utf-8")


def governing(
    settings: Settings, store: SqlStore, certificate: Certificate | None, budget: Budget | None = None
) -> Governing:
    """What people do with policies, on this store."""
    parts = PolicyParts(
        store=SqlPolicies.beside(store),
        records=store,
        rulings=SqlShadow.beside(store),
        appeals=SqlReview.beside(store),
        reader=PolicyDocuments(certificate),
        file=document(settings),
        budget=budget,
        second_person=settings.policy_second_person,
    )
    return Governing(parts)


async def taken_up(settings: Settings, store: SqlStore, certificate: Certificate | None) -> LivePolicy:
    """The live policy of this process, as the store has it now.

    Raises `PolicyInvalid` where the file of the settings, or the version that is live, can't be read with their
    certificate: better no start than one that decides by another policy than is meant.
    """
    reader = PolicyDocuments(certificate)
    live = LivePolicy(reader.policy(document(settings)))
    await live.refresh(SqlPolicies.beside(store), reader)
    return live


def watch(live: LivePolicy, store: SqlStore, certificate: Certificate | None, observer: WatchObserver) -> PolicyWatch:
    """What keeps it fresh."""
    return PolicyWatch(live, SqlPolicies.beside(store), PolicyDocuments(certificate), observer)


@asynccontextmanager
async def in_shadow(
    live: LivePolicy, store: SqlStore, followed: Followed, announcer: Announcer, observer: Observer
) -> AsyncIterator[None]:
    """Rules by the shadow policy, where there is one, beside what is recorded while the context is open."""
    shadow = Shadow(lambda: live.shadow, store, SqlShadow.beside(store))
    follower = Follower(FOLLOWER, followed, announcer, shadow.handle, observer, "now")
    async with kept_running({FOLLOWER: follower.run}, observer):
        yield
