"""The claims that a worker holds: an index of the store's set, rebuilt in the background when the set changes.

A thread asks the store for its version every few seconds. While it builds the new index, the old one is used; then one
reference is exchanged, so that a batch is judged by one whole set. When the store is away, or the new set can't be
read, the current one stays.
"""

from dataclasses import dataclass

import structlog

from classifiers.claims.index import ClaimIndex, Entry
from classifiers.matcher import Matcher
from service.claims.ports import ClaimStore
from service.domain.claim import Claim, ClaimSet, ClaimState
from service.errors import Unavailable

_log = structlog.get_logger("assay")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One searchable set of claims: `claims[place]` is the claim at a place of the index.

    `version` names the set and what matches it, `set.matcher`; it is empty for the empty set, with which no text is
    compared. `stored` is the store's own version.
    """

    stored: str
    version: str
    index: ClaimIndex
    claims: tuple[Claim, ...]
    quarantined: frozenset[str]


class HeldClaims:
    """The current snapshot. One thread refreshes, another reads."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._current = self._snapshot(ClaimSet("", ()), None)

    @property
    def current(self) -> Snapshot:
        """The claims to judge by; hold it for a whole batch."""
        return self._current

    async def refresh(self, store: ClaimStore) -> bool:
        """Load the store's claims if they have changed; whether they had. Raises `StoreUnavailable`."""
        if await store.claims_version() == self._current.stored:
            return False
        claim_set = await store.claim_set()
        self._current = self._snapshot(claim_set, self._current)
        _log.info("claims loaded", version=self._current.version, claims=len(self._current.index))
        return True

    async def take_up(self, store: ClaimStore) -> None:
        """`refresh`; a set that can't be read is logged, and the old one stays. Raises `StoreUnavailable`."""
        try:
            await self.refresh(store)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the next set may be sound
            _log.error("claims not loaded", error=type(error).__name__, message=str(error))

    def _snapshot(self, claim_set: ClaimSet, before: Snapshot | None) -> Snapshot:
        claims = tuple(record.claim for record in claim_set.records)
        entries = [Entry(claim.id, claim.claim, claim.title) for claim in claims]
        index = self._matcher.index(entries, before.index if before else None)
        out = frozenset(r.claim.id for r in claim_set.records if r.state is ClaimState.QUARANTINED)
        version = f"{claim_set.version}.{self._matcher.version}" if claims else ""
        return Snapshot(claim_set.version, version, index, claims, out)
