"""The ports of claims: their store, and the counts of how often posts repeat them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimSet, Confirmation


class ClaimStore(Protocol):
    """Fact-checked claims. Each change of a claim or of its state changes the set's version, and nothing else does."""

    async def put(self, claims: Sequence[Claim]) -> list[Change]:
        """Store claims by id, all or none; returns the outcome of each. Of several with one id the last counts.

        An updated claim keeps its state and its counts.
        """
        ...

    async def create(self, claim: Claim) -> ClaimRecord:
        """Store a claim that is new. Raises `AlreadyExists`, and stores nothing, when its id is taken."""
        ...

    async def find_claim(self, claim_id: str) -> ClaimRecord:
        """The claim of that id. Raises `NotFound`."""
        ...

    async def claims(self, only: ClaimFilter, *, after: str, limit: int) -> list[ClaimRecord]:
        """Up to `limit` claims in the order of their ids, from the one that follows the id `after`."""
        ...

    async def claims_version(self) -> str:
        """The claim set's version: equal for equal sets, whatever their history; empty when there are no claims."""
        ...

    async def claim_set(self) -> ClaimSet:
        """All claims and their version, as of one moment."""
        ...

    async def quarantine(self, claim_id: str, reason: str, *, override: bool = True) -> ClaimRecord:
        """Take a claim out of enforcement for `reason`, or release it when that is empty. Raises `NotFound`.

        A claim that is quarantined already stays as it is unless `override`: what is found by counting must not write
        over a person's reason.
        """
        ...

    async def confirm(self, confirmation: Confirmation) -> ClaimRecord:
        """Store a person's confirmation of a match; a later one by the same person replaces it. Raises `NotFound`."""
        ...


class ClaimTraffic(Protocol):
    """How often posts repeat each claim."""

    async def surging(self, repeated: Mapping[str, int], posts: int) -> list[str]:
        """Count `posts` judged and the repeats of each claim id; returns the claims that began to surge.

        `service.claims.traffic` says what a surge is. Each is reported once, to one caller.
        """
        ...
