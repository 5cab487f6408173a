"""Posts, verdicts, claims, matches and messages as tests make them; further fields by keyword."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from assay.v1 import claim_pb2, post_pb2

from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, JudgedBy, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import Post
from service.domain.verdict import Skip, Source, Verdict
from service.webhooks.event import Event, verdict_event
from tests.fakes.classifier import KeywordClassifier


def post_of(text: str = "Drinking bleach cures malaria 🧪", id: str = "1", **fields: Any) -> Post:  # noqa: A002
    """A post with that text and id."""
    return Post(**{"platform": "instagram", "id": id, "text": text, **fields})


def posts_of(count: int, start: int = 0) -> list[Post]:
    """Posts that differ in id and text, numbered from `start`."""
    return [post_of(f"Post number {number}", id=str(number)) for number in range(start, start + count)]


def numbered(number: int = 1, text: str = "", **fields: Any) -> Post:
    """A post whose number is its id and, unless a text is given, what it says."""
    return Post(
        **{"platform": "example", "id": str(number), "text": text or f"what post {number} has to say", **fields}
    )


def verdict_of(
    post: Post,
    *,
    model_version: str = "m1",
    claims_version: str = "c1",
    policy_version: str = "p1",
    sequence: int = 7,
) -> Verdict:
    """A verdict with something in every field."""
    return Verdict(
        post=post.key,
        content_digest=post.content_digest,
        surface=post.surface,
        ruling=Ruling(Decision.LABEL, (Category.MISINFORMATION, Category.AI_GENERATED), ("label-misinformation",)),
        policy_version=policy_version,
        source=Source.MODEL,
        decided_at=datetime(2026, 3, 1, 12, 30, 15, 123456, UTC),
        judgement=_judgement(post, JudgedBy(model_version, claims_version)),
        skipped=(Skip("claims", "not loaded"),),
        latency={"model": 0.0123},
        sequence=sequence,
    )


def model_verdict(post: Post, **changes: Any) -> Verdict:
    """A verdict that a worker with `KeywordClassifier` could have given."""
    [judgement] = KeywordClassifier().judge([post])
    verdict = Verdict(
        post=post.key,
        content_digest=post.content_digest,
        surface=post.surface,
        ruling=Ruling(Decision.ALLOW),
        policy_version="policy-1",
        source=Source.MODEL,
        decided_at=datetime.now(UTC),
        judgement=judgement,
    )
    return replace(verdict, **changes)


def with_surprise(verdict: Verdict, tokens: int) -> Verdict:
    """The verdict with evidence of so many tokens."""
    assert verdict.judgement
    surprise = tuple(TokenSurprise(5 * number, 5 * number + 4, 7.5) for number in range(tokens))
    return replace(verdict, judgement=replace(verdict.judgement, evidence=Evidence(surprise=surprise)))


def claim_of(id: str = "bleach", claim: str = "Drinking bleach cures malaria.", **fields: Any) -> Claim:  # noqa: A002
    """A claim of that id."""
    return Claim(id=id, claim=claim, **fields)


def claims_of(count: int, start: int = 0) -> list[Claim]:
    """Claims that differ in id and words, in the order of their ids, numbered from `start`."""
    return [claim_of(f"c{number:06}", f"Claim number {number}") for number in range(start, start + count)]


def match_of(claim_id: str, relation: Relation = Relation.REPEATS) -> Match:
    """A match with a claim of that id."""
    claim = claim_of(claim_id)
    return Match(
        claim_id=claim.id,
        claim=claim.claim,
        verdict="False",
        rating=Rating.FALSE,
        publisher="Check",
        url="https://check.example/1",
        score=0.875,
        relation=relation,
        p_relation=0.75,
        weight=1.5,
    )


def events_of(count: int, start: int = 1) -> list[Event]:
    """Events of verdicts, numbered from `start`."""
    numbers = range(start, start + count)
    return [verdict_event(verdict_of(post_of(id=str(number)), sequence=number)) for number in numbers]


def message_of(text: str = "Vaccines contain microchips", number: int = 1, **fields: Any) -> post_pb2.Post:
    """A good post message."""
    return post_pb2.Post(**{"name": f"platforms/x/posts/{number}", "text": text, **fields})


def claim_message_of(number: int = 1, **fields: Any) -> claim_pb2.Claim:
    """A good claim message."""
    given = {
        "name": f"claims/{number:05}",
        "statement": f"Bananas numbered {number} glow in the dark",
        "url": f"https://example.org/reviews/{number}",
        "verdict": "False",
        "publisher": "Example Facts",
    }
    return claim_pb2.Claim(**{**given, **fields})


def _judgement(post: Post, judged_by: JudgedBy) -> Judgement:
    signals = (Signal("ai_generated", 0.75, 1.1, 0.6, 0.9), Signal("misinformation", 0.875, 1.95, 0.8, 0.95))
    return Judgement(
        content_digest=post.content_digest,
        model_version=judged_by.model,
        claims_version=judged_by.claims,
        signals={signal.name: signal for signal in signals},
        evidence=Evidence(
            (Span(0, 8, "misinformation", 1.5),),
            (TokenSurprise(0, 8, 11.25),),
            {"homoglyph": 2},
            (Remainder("misinformation", 0.25, 0.5),),
            (
                Match(
                    claim_id="bleach",
                    claim="Bleach cures malaria.",
                    verdict="Pants on fire",
                    rating=Rating.FALSE,
                    publisher="Example Check",
                    url="https://check.example/bleach",
                    score=0.9375,
                    relation=Relation.REPEATS,
                    p_relation=0.875,
                    weight=1.25,
                ),
            ),
        ),
        words=5,
        abstained=("ABSTAINED_SHORT",),
        cluster=post.content_digest,
    )
