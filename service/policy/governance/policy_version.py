"""A version of a policy as it is kept, what is live and what runs in shadow, and who changed that.

A version is named by the digest that verdicts contain, so that a verdict leads to the document that
decided. It is never changed: a change is a new version. Standard library only.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

FROM_FILE = ""
"""The live version as long as none was promoted: the policy file of the settings decides."""


class PolicyAct(StrEnum):
    """What was done."""

    CREATE = "CREATE"
    PROMOTE = "PROMOTE"
    ROLL_BACK = "ROLL_BACK"
    SHADOW = "SHADOW"
    CLOSE_BREAKER = "CLOSE_BREAKER"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One document. `author` is a pseudonymous id, or `system` for the file of the settings; numbers count from 1."""

    version: str
    title: str
    description: str
    document: str
    author: str
    note: str = ""
    number: int = 0
    created_at: datetime

    @property
    def name(self) -> str:
        """Resource name, `policies/{version}`."""
        return f"policies/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """Who did what, when and why. `before` is the version that was live, or in shadow, until then."""

    number: int
    at: datetime
    actor: str
    act: PolicyAct
    version: str
    before: str = ""
    note: str = ""


class Slots(NamedTuple):
    """The versions that are live and in shadow; empty for none: see `FROM_FILE`."""

    live: str = FROM_FILE
    shadow: str = ""
