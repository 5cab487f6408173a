"""Roles and their rights. Standard library only."""

from collections.abc import Collection
from enum import StrEnum


class Role(StrEnum):
    """A person's role; they may have several."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    LEAD = "lead"
    POLICY = "policy"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing that a person may do."""

    SEE = "see"
    DECIDE = "decide"
    DECIDE_MANY = "decide_many"
    DECIDE_APPEALS = "decide_appeals"
    MANAGE_CLAIMS = "manage_claims"
    WRITE_POLICY = "write_policy"
    PROMOTE_POLICY = "promote_policy"
    SEE_QUALITY = "see_quality"
    MANAGE_GOLDEN = "manage_golden"
    SEE_AUDIT = "see_audit"
    MANAGE_PEOPLE = "manage_people"


_VIEWER = frozenset({Right.SEE})
_MODERATOR = _VIEWER | {Right.DECIDE, Right.DECIDE_APPEALS}
_LEAD = _MODERATOR | {Right.DECIDE_MANY, Right.MANAGE_CLAIMS, Right.SEE_QUALITY, Right.MANAGE_GOLDEN, Right.SEE_AUDIT}
_POLICY = _VIEWER | {Right.WRITE_POLICY, Right.PROMOTE_POLICY, Right.MANAGE_CLAIMS, Right.SEE_QUALITY}

RIGHTS = {
    Role.VIEWER: _VIEWER,
    Role.MODERATOR: _MODERATOR,
    Role.LEAD: _LEAD,
    Role.POLICY: _POLICY,
    Role.ADMIN: frozenset(Right),
}
"""What each role may do."""


def may(roles: Collection[Role], right: Right) -> bool:
    """Whether these roles include that right."""
    return any(right in RIGHTS[role] for role in roles)
