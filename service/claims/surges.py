"""Finds claims that suddenly match far more posts than usual, and quarantines them until a person has looked.

A claim worded so widely that half a feed "repeats" it, or one planted to have posts taken down, must not
decide about them. `service.claims.traffic` says what a surge is; the `ClaimTraffic` adapter counts. Workers count what
they judge, fronts what they answer from the cache: a text copied by thousands reaches a worker once. Texts that are
only read, and not recorded, are not counted.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from service.claims.ports import ClaimStore, ClaimTraffic
from service.domain.claim import Relation
from service.domain.judgement import Judgement
from service.errors import AssayError, Unavailable
from service.failures import FailureReporter
from service.supervision import every

REASON = "It suddenly matched far more posts than its usual share; check whether it is worded too widely."
_FLUSH = 1.0
_HOLD = 30.0  # within it every worker has loaded the changed claims


class SurgeObserver(FailureReporter, Protocol):
    """Is notified of claims that surge."""

    def quarantined(self, claim_id: str) -> None:
        """A claim surged and was taken out of enforcement."""
        ...


class Surges:
    """Counts the posts that repeat each claim, and takes claims that surge out of enforcement.

    Posts that repeat a quarantined claim count too: what it matches meanwhile becomes its usual share, so that a claim
    that a person released is not taken out again for the same wave.
    """

    def __init__(
        self,
        traffic: ClaimTraffic,
        claims: ClaimStore,
        observer: SurgeObserver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._traffic, self._claims, self._observer, self._clock = traffic, claims, observer, clock
        self._posts = 0
        self._repeated: Counter[str] = Counter()
        self._quarantined: set[str] = set()
        self._due: set[str] = set()
        self._held: dict[str, float] = {}

    async def check(self, judgements: Sequence[Judgement]) -> Collection[str]:
        """Count one post for each judgement; returns the ids of the claims to skip. Never raises.

        They are those that began to surge, now or a moment ago: the judgements may be based on an older claim set.
        """
        for judgement in judgements:
            self.note(judgement)
        return await self.flush()

    def note(self, judgement: Judgement) -> None:
        """Count one post at the next `flush`."""
        self._posts += 1
        for match in judgement.evidence.matches:
            if match.relation is Relation.REPEATS and not match.abstained:
                self._repeated[match.claim_id] += 1
                if match.quarantined:
                    self._quarantined.add(match.claim_id)

    async def flush(self) -> Collection[str]:
        """Count what was noted and quarantine the claims that surge; returns as `check`. Never raises."""
        repeated, posts, quarantined = self._repeated, self._posts, self._quarantined
        self._repeated, self._posts, self._quarantined = Counter(), 0, set()
        try:
            surging = await self._traffic.surging(repeated, posts) if posts else []
        except AssayError as error:
            self._observer.report_failure("claim_traffic", error)
            surging = []
        self._due |= set(surging) - quarantined
        now = self._clock()
        self._held |= dict.fromkeys(self._due, now + _HOLD)
        self._held = {claim_id: until for claim_id, until in self._held.items() if until > now}
        for claim_id in frozenset(self._due):
            await self._quarantine(claim_id)
        return frozenset(self._held)

    async def run(self) -> None:
        """Flush each second for ever; cancel to stop."""
        await every(_FLUSH, self.flush, self._observer, "surges")

    async def _quarantine(self, claim_id: str) -> None:
        self._due.discard(claim_id)
        try:
            record = await self._claims.quarantine(claim_id, REASON, override=False)
        except AssayError as error:
            self._observer.report_failure("quarantine", error)
            if isinstance(error, Unavailable):  # a surge is reported once only: try again at the next flush
                self._due.add(claim_id)
        else:
            if record.reason == REASON:  # else a person was first
                self._observer.quarantined(claim_id)
