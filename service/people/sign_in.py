"""Signing in and out: by a local password or an OpenID provider. Standard library only.

A session's token goes to the browser; only its SHA-256 is stored, so that a reader of the store can't use it.
A wrong name and a wrong password get the same answer after the same work, and count towards the same lock-outs.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.errors import InvalidInput, NotAllowed, SignInRefused, TooManyTries
from service.people.passwords import LONGEST, normalised
from service.people.person import MAX_NAME, NOBODY, Account, Person, Session, folded
from service.people.ports import Hasher, PeopleStore, Provider, SessionStore

_REFUSED = "This name and password do not belong together."
_FLOW_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """How long sessions last, in all and unused, and how many failures an account and an address may have."""

    lasts: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=1)
    account_tries: int = 5
    address_tries: int = 30
    passwords: bool = True


def digest_of(token: str) -> str:
    """A token as stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(32)


class SignIn:
    """Sign people in and out. `provider` is None where only local accounts sign in."""

    def __init__(
        self,
        people: PeopleStore,
        sessions: SessionStore,
        hasher: Hasher,
        *,
        provider: Provider | None = None,
        limits: SignInLimits = SignInLimits(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._people, self._sessions, self._hasher = people, sessions, hasher
        self._provider, self._now = provider, now
        self.limits = limits

    @property
    def by_provider(self) -> bool:
        """Whether an OpenID provider signs people in."""
        return self._provider is not None

    async def with_password(self, name: str, password: str, *, address: str) -> str:
        """The token of a new session. Raises `SignInRefused` and `TooManyTries`."""
        if not self.limits.passwords:
            raise SignInRefused("Local accounts are turned off.")
        if len(name) > MAX_NAME or len(password) > LONGEST:
            raise SignInRefused(_REFUSED)
        account_key, address_key = digest_of(f"name {folded(name)}"), digest_of(f"address {address}")
        wait = await self._sessions.fail(
            {account_key: self.limits.account_tries, address_key: self.limits.address_tries}
        )
        if wait:
            raise TooManyTries("Too many tries.", wait.total_seconds())
        account = await self._people.account(name)
        right = await self._hasher.verify(account.password if account else "", normalised(password))
        if account is None or not right or not self._stands(account):
            await self._sessions.refuse(account.person.id if account else NOBODY)
            raise SignInRefused(_REFUSED)
        await self._sessions.succeed(clear=account_key, forgive=address_key)
        return await self._begin(account.person)

    async def to_provider(self, redirect_uri: str, browser: str, after: str) -> str:
        """The provider's URL, for a browser that holds the token `browser` and then goes on to the path `after`."""
        url, kept = await self._asked().begin(redirect_uri)
        body = {**kept, "redirect_uri": redirect_uri, "browser": digest_of(browser), "after": after}
        await self._sessions.keep_flow(digest_of(kept["state"]), body, lasts=_FLOW_LASTS)
        return url

    async def from_provider(self, state: str, code: str, browser: str) -> tuple[str, str]:
        """The token of a new session, and the path to go on to. Raises `SignInRefused` and `Unavailable`."""
        kept = await self._sessions.take_flow(digest_of(state))
        if kept is None or not secrets.compare_digest(kept["browser"], digest_of(browser)):
            raise SignInRefused("This sign-in was begun elsewhere, or too long ago.")
        person = await self._people.admit(await self._asked().finish(kept, code))
        if person.disabled:
            raise SignInRefused("This account is disabled.")
        return await self._begin(person), kept["after"]

    async def session(self, token: str, *, used: bool = True) -> Session | None:
        """The session of a token that has neither ended nor been idle for too long.

        A page's own requests don't count as use of the session: an unattended screen is signed out.
        """
        return await self._sessions.session(digest_of(token), idle=self.limits.idle, used=used) if token else None

    async def begin(self, person: Person) -> str:
        """The token of a new session for a person who was signed in otherwise."""
        return await self._begin(person)

    async def sign_out(self, session: Session) -> None:
        """End this session."""
        await self._sessions.end(session.digest)

    def _stands(self, account: Account) -> bool:
        expired = account.password_until is not None and account.password_until <= self._now()
        return not account.person.disabled and not expired

    def _asked(self) -> Provider:
        if self._provider is None:
            raise NotAllowed("no OpenID provider is set (ASSAY_DASHBOARD_OIDC_ISSUER)")
        return self._provider

    async def _begin(self, person: Person) -> str:
        token = new_token()
        await self._sessions.begin(digest_of(token), person.id, lasts=self.limits.lasts)
        return token


def safe_path(after: str) -> str:
    """`after` if it is a path on this site, else `/`."""
    plain = after.startswith("/") and not after.startswith(("//", "/\\")) and after.isprintable() and "\\" not in after
    return after if plain else "/"


def checked_lasts(lasts: float, idle: float) -> tuple[timedelta, timedelta]:
    """Session lengths in seconds as durations. Raises `InvalidInput`."""
    if idle > lasts:
        raise InvalidInput("dashboard_idle", "is longer than dashboard_session", "set dashboard_idle to less")
    return timedelta(seconds=lasts), timedelta(seconds=idle)
