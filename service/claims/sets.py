"""What claim stores share: a set's version, and the text that queries search.

A set is named by the sum of its members' digests modulo 2^128 (AdHash of Bellare and Micciancio 1997,
https://doi.org/10.1007/3-540-69053-0_13): equal for equal sets whatever their history, and updated without
reading the members that stay.
"""

from collections.abc import Iterable

from service.domain.canonical import canonical, digest
from service.domain.claim import Claim, ClaimState

_MODULUS = 1 << 128


def member_digest(claim: Claim, state: ClaimState) -> str:
    """Digest of a claim and its state, which the member adds to the sum of its set."""
    return digest(claim.digest, state)


def moved(version: str, *, joined: Iterable[str], left: Iterable[str]) -> str:
    """The version of a set (32 hex characters, empty for the empty set) after members joined and left by digest."""
    total = int(version or "0", 16) + sum(int(each, 16) for each in joined) - sum(int(each, 16) for each in left)
    return f"{total % _MODULUS:032x}"


def folded(*texts: str) -> str:
    """The texts in one form whatever their case, white space and composition."""
    return canonical(" ".join(texts)).casefold()
