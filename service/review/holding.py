"""Who holds a case: one person at a time, until their lease ends. Pure."""

from datetime import datetime

from service.errors import NotHeld
from service.review.case import Case, CaseState


def must_hold(case: Case, moderator: str, at: datetime) -> None:
    """Raise `NotHeld` unless that person holds the open case at that time."""
    if case.state is CaseState.OPEN and case.holder == moderator and case.lease_until:
        if case.lease_until > at:
            return
        raise NotHeld(f"your lease of {case.name} ran out; lease it again, and extend it while you think")
    holder = case.holder if case.lease_until and case.lease_until > at else ""
    state = f"{holder} holds it" if holder else "no one holds it" if case.state is CaseState.OPEN else "it is closed"
    raise NotHeld(f"you don't hold {case.name}: {state}; lease a case before you act on it")


def free_of_others(case: Case, moderator: str, at: datetime) -> bool:
    """Whether no other moderator holds the case at that time."""
    return case.holder in {"", moderator} or not case.lease_until or case.lease_until <= at
