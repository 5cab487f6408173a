"""Rules for passwords, and one-time passwords. Standard library only."""

import secrets
import unicodedata
from datetime import timedelta

from service.errors import InvalidInput
from service.people.person import folded

SHORTEST, LONGEST = 12, 256
ONE_TIME_LASTS = timedelta(days=7)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another
_FEW = 5  # fewest different characters of a password


def one_time_password() -> str:
    """A random password of 99 bits, in groups that are easy to type."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def normalised(password: str) -> str:
    """`password` as it is hashed, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, name: str) -> None:
    """Raise `InvalidInput` for a password that a person called `name` must not have."""
    field = "new password"
    if len(password) < SHORTEST:
        raise InvalidInput(field, f"has fewer than {SHORTEST} characters", "take a longer one; a sentence is fine")
    if len(password) > LONGEST:
        raise InvalidInput(field, f"has more than {LONGEST} characters", "take a shorter one")
    if len(set(password)) < _FEW:
        raise InvalidInput(field, f"has fewer than {_FEW} different characters", "take one that is harder to guess")
    if folded(name) in folded(password):
        raise InvalidInput(field, "contains the name", "take one that is harder to guess")
