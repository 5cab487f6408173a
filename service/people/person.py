"""A person who works with Assay, and a session of theirs. Standard library only."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from service.errors import InvalidInput, NotAllowed
from service.people.roles import Right, Role, may

MAX_NAME = 120
NOBODY = "nobody"
"""The actor where no one is signed in, and the person behind an unknown name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who may sign in. `id` is their pseudonym in the audit log, such as `m-7f3a12cd`.

    `issuer` is the OpenID provider that vouches for them; empty for a local account. `one_time`: their
    password must be changed before anything else.
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
        """Whether their roles include that right."""
        return not self.disabled and may(self.roles, right)

    def require(self, right: Right) -> None:
        """Raise `NotAllowed` unless they may."""
        if not self.may(right):
            raise NotAllowed(f"your roles do not allow this ({right.replace('_', ' ')}); ask an administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in session. It ends at `ends_at`, or earlier when it isn't used."""

    digest: str
    person: Person
    started_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person with their password's hash, which is empty where they have none."""

    person: Person
    password: str
    password_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person that an OpenID provider vouches for."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]


def new_id() -> str:
    """An unused pseudonymous id."""
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
        raise InvalidInput("roles", "names no role", f"choose among {', '.join(Role)}; disable a person who needs none")
    return roles
