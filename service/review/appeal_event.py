"""The webhook event of a decided appeal."""

from service.review.appeal import Appeal
from service.webhooks.event import Event, EventType, event_id, written


def appeal_event(appeal: Appeal) -> Event:
    """The event of a decided appeal. What the author said, and why it was decided so, stays here: they may quote."""
    key, at = appeal.post, appeal.decided_at or appeal.opened_at
    data = {
        "name": appeal.name,
        "post": key.name,
        "fingerprint": key.fingerprint,
        "state": appeal.state.value,
        "contested_decision": appeal.contested.value,
        "contested_categories": [category.value for category in appeal.contested_categories],
        "decision": appeal.decision.value if appeal.decision else "",
        "categories": [category.value for category in appeal.categories],
        "reason": appeal.reason,
        "create_time": written(appeal.opened_at),
        "decide_time": written(at),
    }
    return Event(
        id=event_id("appeal", appeal.id, written(at)),
        type=EventType.APPEAL_DECIDED,
        at=at,
        subject=appeal.name,
        data=data,
    )
