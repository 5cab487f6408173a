"""Claims in memory: the twin of `service.claims.sql`, a part of `tests.fakes.store`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from service.claims.sets import folded, member_digest, moved
from service.domain.claim import Change, Claim, ClaimFilter, ClaimRecord, ClaimSet, ClaimState, Confirmation, Relation
from service.errors import AlreadyExists, NotFound


class MemoryClaims:
    """`ports.ClaimStore` in this process. `clock` gives Unix time in seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._version = ""
        self._claims: dict[str, ClaimRecord] = {}
        self._words: dict[str, dict[tuple[str, str], Confirmation]] = {}  # by claim, then post and moderator

    async def put(self, claims: Sequence[Claim]) -> list[Change]:
        """See `ports.ClaimStore.put`."""
        did = {claim_id: self._put(claim) for claim_id, claim in {claim.id: claim for claim in claims}.items()}
        return [did[claim.id] for claim in claims]

    async def create(self, claim: Claim) -> ClaimRecord:
        """See `ports.ClaimStore.create`."""
        if claim.id in self._claims:
            raise AlreadyExists(f"{claim.name} exists already; an import updates it")
        self._put(claim)
        return self._claims[claim.id]

    def _put(self, claim: Claim) -> Change:
        before = self._claims.get(claim.id)
        if before is None:
            self._change(None, ClaimRecord(claim=claim, updated_at=self._now()))
            return Change.NEW
        if before.claim == claim:
            return Change.UNCHANGED
        self._change(before, replace(before, claim=claim, updated_at=self._now()))
        return Change.UPDATED

    def _change(self, before: ClaimRecord | None, after: ClaimRecord) -> None:
        left = [member_digest(before.claim, before.state)] if before else []
        self._version = moved(self._version, joined=[member_digest(after.claim, after.state)], left=left)
        self._claims[after.claim.id] = after

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def find_claim(self, claim_id: str) -> ClaimRecord:
        """See `ports.ClaimStore.find_claim`."""
        if claim_id not in self._claims:
            raise NotFound(f"claims/{claim_id} was never stored")
        return self._claims[claim_id]

    async def claims(self, only: ClaimFilter, *, after: str, limit: int) -> list[ClaimRecord]:
        """See `ports.ClaimStore.claims`."""
        following = (self._claims[claim_id] for claim_id in sorted(self._claims) if claim_id > after)
        return list(islice((record for record in following if _matches(record, only)), limit))

    async def claims_version(self) -> str:
        """See `ports.ClaimStore.claims_version`."""
        return self._version

    async def claim_set(self) -> ClaimSet:
        """See `ports.ClaimStore.claim_set`."""
        return ClaimSet(self._version, tuple(self._claims[claim_id] for claim_id in sorted(self._claims)))

    async def quarantine(self, claim_id: str, reason: str, *, override: bool = True) -> ClaimRecord:
        """See `ports.ClaimStore.quarantine`."""
        before = await self.find_claim(claim_id)
        state = ClaimState.QUARANTINED if reason else ClaimState.ACTIVE
        kept = before.state is ClaimState.QUARANTINED and not override
        if not kept and (before.state, before.reason) != (state, reason):
            self._change(before, replace(before, state=state, reason=reason, updated_at=self._now()))
        return self._claims[claim_id]

    async def confirm(self, confirmation: Confirmation) -> ClaimRecord:
        """See `ports.ClaimStore.confirm`."""
        record = await self.find_claim(confirmation.claim_id)
        words = self._words.setdefault(confirmation.claim_id, {})
        words[confirmation.post, confirmation.moderator] = confirmation
        rejected = sum(word.relation is Relation.UNRELATED for word in words.values())
        self._claims[confirmation.claim_id] = replace(record, confirmed=len(words) - rejected, rejected=rejected)
        return self._claims[confirmation.claim_id]


def _matches(record: ClaimRecord, only: ClaimFilter) -> bool:
    claim = record.claim
    return (
        (only.state is None or record.state is only.state)
        and (not only.publisher or claim.publisher == only.publisher)
        and (not only.query or folded(only.query) in folded(claim.claim, claim.title))
    )
