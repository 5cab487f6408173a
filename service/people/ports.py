"""The ports of people: stores of people and sessions, the password hasher, the OpenID provider."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from service.people.person import Account, Person, Session, Subject
from service.people.roles import Role


class PeopleStore(Protocol):
    """People. Each change is recorded in the audit log as `actor`'s, in the same transaction."""

    async def first(self, account: Account) -> bool:
        """Store this account if there is none yet; whether it was stored."""
        ...

    async def add(self, account: Account, *, actor: str) -> None:
        """Store a new account. Raises `AlreadyExists` for a name that is taken."""
        ...

    async def find(self, person_id: str) -> Person:
        """The person of that id. Raises `NotFound`."""
        ...

    async def account(self, name: str) -> Account | None:
        """The account of that name, as names are compared."""
        ...

    async def people(self, *, after: str = "", limit: int = 200) -> Sequence[Person]:
        """People in the order of their names, as names are compared, after that one."""
        ...

    async def set_roles(self, person_id: str, roles: frozenset[Role], *, actor: str) -> Person:
        """Change their roles and end their sessions. Raises `NotAllowed` if no administrator would be left."""
        ...

    async def set_disabled(self, person_id: str, disabled: bool, *, actor: str) -> Person:
        """Disable them, or enable them again; their sessions end. Raises as `set_roles` does."""
        ...

    async def set_password(self, account: Account, *, actor: str, keep: str = "") -> None:
        """Set their password to that of `account` and end their sessions, except that of the digest `keep`."""
        ...

    async def admit(self, subject: Subject) -> Person:
        """The person that a provider vouches for, new or known, with the provider's name and roles for them."""
        ...


class SessionStore(Protocol):
    """Sessions by the digests of their tokens, and attempts to sign in."""

    async def begin(self, digest: str, person_id: str, *, lasts: timedelta) -> None:
        """Store a session, and record that the person signed in."""
        ...

    async def session(self, digest: str, *, idle: timedelta, used: bool = True) -> Session | None:
        """The session, if it has neither ended nor been idle for so long; it counts as used now if it is `used`."""
        ...

    async def end(self, digest: str) -> None:
        """End the session, if there is one, and record that the person signed out."""
        ...

    async def fail(self, keys: Mapping[str, int]) -> timedelta:
        """Count a failure under each key, unless one is locked: then count nothing and return for how long.

        A key is locked for a time that doubles with every failure past its number.
        """
        ...

    async def refuse(self, person_id: str) -> None:
        """Record a refused sign-in as that person; `NOBODY` for an unknown name."""
        ...

    async def succeed(self, *, clear: str, forgive: str) -> None:
        """Forget the failures under the key `clear`, and one of those under `forgive`."""
        ...

    async def keep_flow(self, digest: str, body: Mapping[str, str], *, lasts: timedelta) -> None:
        """Keep the state of an OpenID sign-in that begins."""
        ...

    async def take_flow(self, digest: str) -> Mapping[str, str] | None:
        """The kept state, once, if it has not ended."""
        ...


class Hasher(Protocol):
    """Hashes passwords slowly."""

    async def hash(self, password: str) -> str:
        """A salted hash of `password`."""
        ...

    async def verify(self, hashed: str, password: str) -> bool:
        """Whether `hashed` is of `password`; takes as long for an empty `hashed`, which is never."""
        ...


class Provider(Protocol):
    """An OpenID Connect provider."""

    async def begin(self, redirect_uri: str) -> tuple[str, Mapping[str, str]]:
        """The URL to send the browser to, and what to keep until it comes back: `state`, `nonce`, the verifier."""
        ...

    async def finish(self, kept: Mapping[str, str], code: str) -> Subject:
        """Who signed in, with their roles by the provider. Raises `SignInRefused` and `Unavailable`."""
        ...
