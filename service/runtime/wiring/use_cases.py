"""Makes the use cases over one opened store, for fronts, the dashboard and commands, from settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from service.audit.sql import SqlAudit
from service.claims.sql import SqlClaims
from service.dashboard.services import BreakPolicy, DashboardServices
from service.errors import InvalidInput
from service.feeds import Pseudonyms
from service.moderation.ports import Observer, VerdictCache
from service.people.argon2_hasher import Argon2Hasher
from service.people.directory import Directory
from service.people.oidc import OpenIdProvider, parsed_roles
from service.people.sign_in import SignIn, SignInLimits, checked_lasts
from service.people.sql.accounts import SqlPeople
from service.people.sql.sessions import SqlSessions
from service.policy.budget import Budget
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import Governing, PolicyParts
from service.policy.governance.ports import TextReader
from service.policy.policy import Policies, Policy
from service.policy.routing import Routing
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.quality.golden_maker import GoldenMaker
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.prevalence import Rates
from service.quality.sql.store import SqlQuality
from service.quality.stale_cache import StaleCache
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.review.appealing import Appealing
from service.review.casework import Casework
from service.review.reviewing import Reviewing, ReviewLimits
from service.review.sql.store import SqlReview
from service.runtime.settings import Settings
from service.runtime.wiring.connections import certificate, policy_document
from service.storage.redis_connection import RedisConnection
from service.transparency.erasing import Eraser
from service.transparency.publishing import Publishing
from service.transparency.redis_erasure import RedisErasure
from service.transparency.retention import Keeper, Retention, RetentionObserver
from service.transparency.sql.erasure import SqlErasure
from service.transparency.sql.numbers import SqlNumbers
from service.transparency.sql.retention import SqlRetention
from service.transparency.statement_words import ECONOMIC_AREA, EUROPEAN_UNION
from service.transparency.statements import Terms
from service.webhooks.http_sender import HttpSender
from service.webhooks.managing import Endpoints
from service.webhooks.sql.store import SqlWebhooks

_TERRITORIES = {"EU": EUROPEAN_UNION, "EEA": ECONOMIC_AREA}
_STALE = 60.0  # seconds: how old a slow answer on quality may be


def governing(settings: Settings, store: SqlStore, budget: Budget | None = None) -> Governing:
    """The use cases of policies, on this store."""
    parts = PolicyParts(
        store=SqlPolicies.beside(store),
        records=store,
        rulings=SqlShadow.beside(store),
        appeals=SqlReview.beside(store),
        reader=PolicyDocuments(certificate(settings)),
        file=policy_document(settings),
        budget=budget,
        second_person=settings.policy_second_person,
    )
    return Governing(parts)


def casework(
    settings: Settings,
    store: SqlStore,
    *,
    routing: Callable[[], Routing],
    observer: Observer,
    cache: VerdictCache | None = None,
    announcer: Announcer | None = None,
) -> Casework:
    """Cases and appeals on this store; `routing` returns the live policy's routing."""
    review = SqlReview.beside(store)
    limits = ReviewLimits(lease=settings.review_lease, undo_within=settings.review_undo)
    return Casework(
        Reviewing(
            review,
            review,
            review,
            store,
            routing=routing,
            observer=observer,
            cache=cache,
            announcer=announcer,
            limits=limits,
        ),
        Appealing(review, store, routing=routing, observer=observer, cache=cache, announcer=announcer),
    )


def quality(store: SqlStore, cache: StaleCache | None = None) -> Quality:
    """The quality of decisions, on this store."""
    held = SqlQuality.beside(store)
    return Quality(held, held, alpha, cache=cache)


def golden_maker(store: SqlStore) -> GoldenMaker:
    """The maker of golden items from decided cases."""
    return GoldenMaker(quality(store), SqlReview.beside(store), store)


def rates(settings: Settings) -> Rates:
    """The settings of the prevalence sample."""
    return Rates(
        share=settings.prevalence_share, per_day=settings.prevalence_per_day, flagged=settings.prevalence_flagged
    )


@asynccontextmanager
async def opened_sender(settings: Settings) -> AsyncIterator[HttpSender]:
    """The sender of webhooks while the context is open."""
    sender = HttpSender(allow_private=settings.webhook_allow_private)
    try:
        yield sender
    finally:
        await sender.close()


def endpoints(settings: Settings, store: SqlStore, sender: HttpSender) -> Endpoints:
    """The use cases of webhook endpoints, on this store."""
    return Endpoints(SqlWebhooks.beside(store), sender, allow_private=settings.webhook_allow_private)


def publishing(settings: Settings, store: SqlStore, redis: RedisConnection, policy: Callable[[], Policy]) -> Publishing:
    """The use cases of transparency; `policy` returns the live one. Raises `InvalidInput`."""
    erasure = SqlErasure.beside(store)
    eraser = Eraser([RedisErasure(redis), erasure], erasure, settle=settings.erase_settle)
    terms(settings, policy())
    return Publishing(SqlAudit.beside(store), SqlNumbers.beside(store), eraser, lambda: terms(settings, policy()))


def terms(settings: Settings, policy: Policy) -> Terms:
    """The platform's part of statements of reasons. Raises `InvalidInput` for an invalid territory."""
    named = settings.dsa_territory.upper()
    territory = _TERRITORIES.get(named) or tuple(part.strip() for part in named.split(",") if part.strip())
    if not territory or set(territory) - set(ECONOMIC_AREA):
        problem = f"{settings.dsa_territory!r} names no countries of the EU or EEA"
        raise InvalidInput("ASSAY_DSA_TERRITORY", problem, "set it to EU, EEA, or codes such as AT,DE")
    return Terms(
        ground=settings.dsa_ground,
        url=settings.dsa_terms_url,
        territory=territory,
        rules={rule.name: rule.reason for rule in policy.rules},
        reasons={reason.name: reason.text for reason in policy.routing.reasons},
    )


def keeper(settings: Settings, store: SqlStore, observer: RetentionObserver) -> Keeper:
    """Deletes what is older than the settings allow. Raises `InvalidInput`."""
    interval = settings.retention_interval
    return Keeper(SqlRetention.beside(store), retention(settings), observer, interval=interval)


def retention(settings: Settings) -> Retention:
    """The retention periods. Raises `InvalidInput`."""
    return Retention(
        allowed=settings.retain_allowed,
        flagged=settings.retain_flagged,
        cases=settings.retain_cases,
        appeals=settings.retain_appeals,
        deliveries=settings.retain_deliveries,
        requests=settings.retain_requests,
        confirmations=settings.retain_confirmations,
        audit=settings.retain_audit,
    )


def pseudonyms(settings: Settings) -> Pseudonyms:
    """The pseudonyms for the authors of feeds. Raises `InvalidInput` for a key that is too long."""
    return Pseudonyms(settings.author_key.get_secret_value().encode())


def directory(store: SqlStore) -> Directory:
    """The people of this store."""
    return Directory(SqlPeople.beside(store), Argon2Hasher())


def dashboard_services(
    settings: Settings,
    store: SqlStore,
    announcer: Announcer,
    *,
    policies: Policies,
    governing: Governing,
    casework: Casework,
    reading: TextReader | None = None,
) -> DashboardServices:
    """The dashboard's services, on this store; none needs a start or an end of its own."""
    people, hasher = SqlPeople.beside(store), Argon2Hasher()
    lasts, idle = checked_lasts(settings.dashboard_session, settings.dashboard_idle)
    limits = SignInLimits(lasts=lasts, idle=idle, passwords=settings.dashboard_passwords)
    return DashboardServices(
        directory=Directory(people, hasher),
        sign_in=SignIn(people, SqlSessions.beside(store), hasher, provider=_provider(settings), limits=limits),
        store=store,
        claims=SqlClaims.beside(store),
        announcer=announcer,
        policies=policies,
        governing=governing,
        reviewing=casework.reviewing,
        appealing=casework.appealing,
        quality=quality(store, StaleCache(_STALE)),
        audit=SqlAudit.beside(store),
        reading=reading,
        breaks=BreakPolicy(posts=settings.dashboard_break_after, rest=settings.dashboard_break),
        url=settings.dashboard_url,
    )


def _provider(settings: Settings) -> OpenIdProvider | None:
    """The OpenID provider of the settings, if one is named. Raises `InvalidInput`."""
    if not settings.dashboard_oidc_issuer:
        return None
    return OpenIdProvider(
        settings.dashboard_oidc_issuer,
        client_id=settings.dashboard_oidc_client_id,
        client_secret=settings.dashboard_oidc_client_secret.get_secret_value(),
        name_claim=settings.dashboard_oidc_name_claim,
        role_claim=settings.dashboard_oidc_role_claim,
        role_of=parsed_roles(settings.dashboard_oidc_roles),
    )
