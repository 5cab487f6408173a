"""Chooses the adapters of what people work with: settings and a store in, the dashboard's services out."""

from service.audit.sql import SqlAudit
from service.claims.sql import SqlClaims
from service.dashboard.services import BreakPolicy, DashboardServices
from service.people.argon2_hasher import Argon2Hasher
from service.people.directory import Directory
from service.people.oidc import OpenIdProvider, parsed_roles
from service.people.sign_in import SignIn, SignInLimits, checked_lasts
from service.people.sql.accounts import SqlPeople
from service.people.sql.sessions import SqlSessions
from service.policy.governance.governing import Governing
from service.policy.governance.ports import TextReader
from service.policy.policy import Policies
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.sql.store import SqlQuality
from service.quality.stale_cache import StaleCache
from service.records.ports import Announcer
from service.records.sql.store import SqlStore
from service.review.casework import Casework
from service.runtime.settings import Settings

_STALE = 60.0  # seconds: how old a slow answer on quality may be


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
    """What people work with, on this store; nothing of it needs a start or an end of its own."""
    people, hasher, quality = SqlPeople.beside(store), Argon2Hasher(), SqlQuality.beside(store)
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
        quality=Quality(quality, quality, alpha, cache=StaleCache(_STALE)),
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
