"""The events of endpoints, as JSON. Standard library only.

An event's id follows from its content, so that reporting one thing twice makes one event. Bodies name posts and say
what was decided about them; they never hold a post's text.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from service.domain.canonical import digest
from service.domain.claim import ClaimRecord, ClaimState, Match
from service.domain.decision import Category, Decision
from service.domain.judgement import Judgement, Signal
from service.domain.verdict import Verdict


class EventType(StrEnum):
    """What happened."""

    VERDICT_DECIDED = "verdict.decided"
    VERDICT_REVISED = "verdict.revised"
    APPEAL_DECIDED = "appeal.decided"
    CLAIM_QUARANTINED = "claim.quarantined"
    CLAIM_RELEASED = "claim.released"
    TEST = "webhook.test"


EVENT_TYPES = tuple(kind for kind in EventType if kind is not EventType.TEST)
"""Event types that an endpoint may request; a test is only sent by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `subject` is a resource name.

    An endpoint's filters apply to `decision` and `categories`.
    """

    id: str
    type: EventType
    at: datetime
    subject: str
    data: Mapping[str, Any]
    decision: Decision | None = None
    categories: tuple[Category, ...] = ()

    @property
    def body(self) -> str:
        """The body: JSON of the event's id, type, time and data."""
        told = {"id": self.id, "type": self.type.value, "timestamp": written(self.at), "data": self.data}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def written(time: datetime) -> str:
    """A time in RFC 3339, in UTC, to the microsecond."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def event_id(*parts: str) -> str:
    """The event id that these parts determine."""
    return f"evt_{digest(*parts)}"


def verdict_event(verdict: Verdict) -> Event:
    """The event of one recorded verdict: decided the first time, revised later."""
    key = verdict.post
    return Event(
        id=event_id("verdict", key.name, key.fingerprint, str(verdict.revision), str(verdict.sequence)),
        type=EventType.VERDICT_REVISED if verdict.revision else EventType.VERDICT_DECIDED,
        at=verdict.decided_at,
        subject=key.name,
        data=verdict_data(verdict),
        decision=verdict.decision,
        categories=verdict.ruling.categories,
    )


def claim_event(record: ClaimRecord) -> Event:
    """The event of a claim that was taken out of enforcement or released."""
    claim, at, quarantined = record.claim, record.updated_at, record.state is ClaimState.QUARANTINED
    data = {
        "name": claim.name,
        "statement": claim.claim,
        "url": claim.url,
        "state": record.state.value,
        "quarantine_reason": record.reason,
        "update_time": written(at),
    }
    return Event(
        id=event_id("claim", claim.id, record.state, written(at)),
        type=EventType.CLAIM_QUARANTINED if quarantined else EventType.CLAIM_RELEASED,
        at=at,
        subject=claim.name,
        data=data,
    )


def trial_event(endpoint: str, now: datetime) -> Event:
    """An event without content, to try an endpoint."""
    return Event(
        id=event_id("test", secrets.token_hex(16)),
        type=EventType.TEST,
        at=now,
        subject=endpoint,
        data={"endpoint": endpoint, "message": "Assay reaches this endpoint."},
    )


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict with the names that the API uses, without evidence that points into the text."""
    ruling, key, judgement = verdict.ruling, verdict.post, verdict.judgement
    person = {"reason": ruling.reason, "case": ruling.case} if ruling.case else {}
    return {
        "name": f"{key.name}/verdict",
        "post": key.name,
        "fingerprint": key.fingerprint,
        "surface": verdict.surface.value,
        "decision": verdict.decision.value,
        "categories": [category.value for category in ruling.categories],
        "rules": list(ruling.rules),
        "source": verdict.source.value,
        "revision": verdict.revision,
        **person,
        "policy_version": verdict.policy_version,
        "content_digest": verdict.content_digest,
        "decide_time": written(verdict.decided_at),
        "skipped": [{"stage": skip.stage, "reason": skip.reason} for skip in verdict.skipped],
        **(_judgement_data(judgement) if judgement else {}),
    }


def _judgement_data(judgement: Judgement) -> dict[str, Any]:
    return {
        "model_version": judgement.model_version,
        "claims_version": judgement.claims_version,
        "cluster": judgement.cluster,
        "words": judgement.words,
        "abstained": list(judgement.abstained),
        "signals": list(map(_signal_data, judgement.signals.values())),
        "matches": list(map(_match_data, judgement.evidence.matches)),
    }


def _signal_data(signal: Signal) -> dict[str, Any]:
    return {
        "name": signal.name,
        "probability": signal.probability,
        "raw_score": signal.raw,
        "interval_low": signal.low,
        "interval_high": signal.high,
    }


def _match_data(match: Match) -> dict[str, Any]:
    return {
        "claim": f"claims/{match.claim_id}",
        "statement": match.claim,
        "verdict": match.verdict,
        "rating": match.rating.value,
        "publisher": match.publisher,
        "url": match.url,
        "score": match.score,
        "relation": match.relation.name,
        "relation_probability": match.p_relation,
    }
