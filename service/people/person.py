"""A person who works with Assay, and a session of theirs. Standard library only."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from service.errors import InvalidInput, NotAllowed
from service.people.roles import Right, Role, may

MAX_NAME = 120
NOBODY = "nobody"
"""Who acts where nobody is signed in, and whom a name stands for that nobody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in. `id` is the pseudonym that the audit log knows them by, such as `m-7f3a12cd`.

    `issuer` is the OpenID provider that vouches for them; empty for a local account. `one_time` says that their
    password is one that must be changed before anything else.
    """

    id: str
    name: str
    roles: frozenset[Role]
    disabled: bool = False
    one_time: bool = False
    issuer: str = ""
    created_at: datetime
    signed_in_at: datetime | None = None

    def may(self, right: Right) -> bool:
        """Whether their roles give them that right."""
        return not self.disabled and may(self.roles, right)

    def require(self, right: Right) -> None:
        """Raise `NotAllowed` unless they may."""
        if not self.may(right):
            raise NotAllowed(f"your roles do not allow this ({right.replace('_', ' ')}); ask an administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody's being signed in. It ends at `ends_at`, or earlier when it isn't used."""

    digest: str
    person: Person
    started_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person with what checks their password: `password` is a hash, and empty where they have none."""

    person: Person
    password: str
    password_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Somebody that an OpenID provider vouches for."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]


def new_id() -> str:
    """A pseudonymous id that nobody has."""
    return f"m-{secrets.token_hex(4)}"


def folded(name: str) -> str:
    """`name` as names are compared: two that look alike in case or composition are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def checked_name(name: str) -> str:
    """`name` without space around it. Raises `InvalidInput`."""
    found = unicodedata.normalize("NFC", name).strip()
    if not folded(found) or len(found) > MAX_NAME or not found.isprintable():
        raise InvalidInput("name", f"must be 1 to {MAX_NAME} printable characters", "use a name or an e-mail address")
    return found


def checked_roles(roles: frozenset[Role]) -> frozenset[Role]:
    """`roles`, at least one. Raises `InvalidInput`."""
    if not roles:
        raise InvalidInput("roles", "names no role", f"choose among {', '.join(Role)}; disable who shall do nothing")
    return roles
