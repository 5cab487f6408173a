"""What is told, and to whom."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.claim import Claim, ClaimRecord, ClaimState
from service.domain.decision import Category, Decision, Ruling
from service.domain.post import PostKey
from service.domain.verdict import Source, Verdict
from service.errors import InvalidInput
from service.review.appeal import Appeal, AppealState
from service.review.appeal_event import appeal_event
from service.webhooks.endpoint import Endpoint, check_endpoint
from service.webhooks.event import EVENT_TYPES, Event, EventType, claim_event, trial_event, verdict_event
from tests.factories import post_of, verdict_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def endpoint_of(**fields: object) -> Endpoint:
    given = {"id": "wh-1", "url": "https://x.example/", "events": EVENT_TYPES, "created_by": "m-1"}
    return Endpoint(**{**given, "created_at": NOW, "updated_at": NOW, **fields})  # type: ignore[arg-type]


@pytest.fixture
def verdict() -> Verdict:
    return verdict_of(post_of("xylophone music"))


@pytest.fixture
def revised(verdict: Verdict) -> Verdict:
    ruling = Ruling(Decision.ALLOW, reason="satire", case="cases/ab12")
    return replace(verdict, ruling=ruling, revision=1, sequence=9, source=Source.MODERATOR)


def test_a_verdict_is_told_in_the_apis_names_and_without_the_text(verdict: Verdict) -> None:
    event = verdict_event(verdict)
    told = json.loads(event.body)
    assert (told["id"], told["type"], told["timestamp"]) == (event.id, "verdict.decided", "2026-03-01T12:30:15.123456Z")
    data = told["data"]
    assert (data["post"], data["name"]) == ("platforms/instagram/posts/1", "platforms/instagram/posts/1/verdict")
    assert (data["decision"], data["categories"]) == ("LABEL", ["MISINFORMATION", "AI_GENERATED"])
    assert data["signals"][0] == {
        "name": "ai_generated",
        "probability": 0.75,
        "raw_score": 1.1,
        "interval_low": 0.6,
        "interval_high": 0.9,
    }
    assert data["matches"][0]["claim"] == "claims/bleach"
    assert data["matches"][0]["relation"] == "REPEATS"
    assert (data["model_version"], data["policy_version"], data["revision"]) == ("m1", "p1", 0)
    assert "case" not in data
    assert "xylophone" not in event.body


def test_one_that_no_model_judged(verdict: Verdict) -> None:
    data = verdict_event(replace(verdict, judgement=None, source=Source.SET_ASIDE)).data
    assert data["source"] == "SET_ASIDE"
    assert "signals" not in data


def test_a_persons_is_told_as_a_revision(revised: Verdict) -> None:
    event = verdict_event(revised)
    assert event.type is EventType.VERDICT_REVISED
    assert (event.data["source"], event.data["reason"], event.data["case"]) == ("MODERATOR", "satire", "cases/ab12")


def test_ids_tell_what_happened_apart_and_nothing_else(verdict: Verdict, revised: Verdict) -> None:
    assert verdict_event(verdict).id == verdict_event(replace(verdict, latency={})).id
    assert len({verdict_event(each).id for each in (verdict, revised, replace(revised, revision=2))}) == 3
    assert trial_event("webhooks/wh-1", NOW).id != trial_event("webhooks/wh-1", NOW).id


def test_an_appeal_is_told_without_what_people_wrote() -> None:
    appeal = Appeal(
        id="ab12",
        post=PostKey("platforms/x/posts/1", "f1"),
        content_digest="c1",
        sequence=3,
        contested=Decision.BLOCK,
        contested_categories=(Category.HATE,),
        contested_at=NOW,
        statement="xylophone",
        state=AppealState.UPHELD,
        opened_at=NOW,
        decider="m-0000000a",
        decision=Decision.ALLOW,
        reason="satire",
        rationale="the xylophone is a joke",
        decided_at=NOW,
    )
    event = appeal_event(appeal)
    assert (event.type, event.subject) == (EventType.APPEAL_DECIDED, "appeals/ab12")
    assert (event.data["state"], event.data["contested_decision"], event.data["decision"]) == (
        "UPHELD",
        "BLOCK",
        "ALLOW",
    )
    assert "xylophone" not in event.body
    assert "m-0000000a" not in event.body
    again = replace(appeal, decided_at=NOW.replace(hour=13))
    assert appeal_event(again).id != event.id


def test_claims_are_told_when_their_state_changes() -> None:
    claim = Claim(id="moon", claim="The moon is made of cheese.")
    out = ClaimRecord(claim=claim, state=ClaimState.QUARANTINED, reason="surge", updated_at=NOW)
    back = replace(out, state=ClaimState.ACTIVE, reason="")
    assert claim_event(out).type is EventType.CLAIM_QUARANTINED
    assert claim_event(out).data["quarantine_reason"] == "surge"
    assert claim_event(back).type is EventType.CLAIM_RELEASED
    assert claim_event(out).id != claim_event(back).id


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"events": (EventType.VERDICT_REVISED,)}, False),
        ({"decisions": (Decision.LABEL, Decision.BLOCK)}, True),
        ({"decisions": (Decision.BLOCK,)}, False),
        ({"categories": (Category.AI_GENERATED,)}, True),
        ({"categories": (Category.HATE,)}, False),
        ({"decisions": (Decision.LABEL,), "categories": (Category.HATE,)}, False),
    ],
)
def test_filters_narrow_first_verdicts(verdict: Verdict, fields: dict[str, object], wanted: bool) -> None:
    assert endpoint_of(**fields).wants(verdict_event(verdict)) is wanted


def test_who_was_told_of_a_block_is_told_of_its_end(revised: Verdict) -> None:
    assert endpoint_of(decisions=(Decision.BLOCK,), categories=(Category.HATE,)).wants(verdict_event(revised))


def test_tests_are_for_nobody(verdict: Verdict) -> None:
    event: Event = trial_event("webhooks/wh-1", NOW)
    assert not endpoint_of().wants(event)
    for events in ((), (EventType.TEST,)):
        with pytest.raises(InvalidInput, match="events"):
            check_endpoint(endpoint_of(events=events), allow_private=False)
    with pytest.raises(InvalidInput, match="description"):
        check_endpoint(endpoint_of(description="x" * 257), allow_private=False)
