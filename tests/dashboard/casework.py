"""Cases for the tests of the dashboard: posts whose verdicts ask for a person, opened as the follower opens them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from service.domain.claim import Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Evidence, Judgement, Signal, Span, TokenSurprise
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, verdict_on
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from tests.dashboard.conftest import Site
from tests.factories import numbered

_CATEGORY = {
    "hate": Category.HATE,
    "violence": Category.VIOLENCE,
    "misinformation": Category.MISINFORMATION,
    "fraud": Category.FRAUD,
}


def judged(post: Post, signal: str = "misinformation", *, cluster: str = "") -> Judgement:
    """A judgement that finds `signal` likely, with spans, surprise and a claim that the post repeats."""
    size = len(post.text.encode())
    half = len(post.text[: len(post.text) // 2].encode())
    match = Match(
        claim_id="bleach",
        claim="Drinking bleach cures malaria.",
        verdict="Pants on fire",
        rating=Rating.FALSE,
        publisher="Example Facts",
        url="https://check.example/bleach",
        score=0.93,
        relation=Relation.REPEATS,
        p_relation=0.81,
        weight=1.3,
    )
    return Judgement(
        content_digest=post.content_digest,
        model_version="m1",
        claims_version="c1",
        signals={
            name: Signal(name, p, 0.0, max(0.0, p - 0.1), min(1.0, p + 0.05))
            for name, p in {"ai_generated": 0.31, "misinformation": 0.2, "hate": 0.05, signal: 0.94}.items()
        },
        evidence=Evidence(
            (Span(0, half, signal, 1.4),),
            (TokenSurprise(0, half, 5.0), TokenSurprise(half, size, 14.0)),
            {"homoglyph": 2},
            (),
            (match,),
        ),
        words=len(post.text.split()),
        cluster=cluster or post.content_digest,
    )


def decided(post: Post, signal: str = "misinformation", *, cluster: str = "") -> Verdict:
    """A verdict that asks for a person, named by a rule of the shipped policy."""
    rule = "debunked-claim" if signal == "misinformation" else signal
    ruling = Ruling(Decision.REVIEW, (_CATEGORY[signal],), (rule,))
    judgement = judged(post, signal, cluster=cluster)
    made = verdict_on(post, ruling, policy_version="p1", source=Source.MODEL, judgement=judgement)
    return replace(made, latency={"queue": 0.002, "model": 0.031})


async def open_cases(site: Site, posts: Sequence[Post], signal: str = "misinformation", *, cluster: str = "") -> None:
    """Record a verdict on each post and open its case."""
    verdicts = [decided(post, signal, cluster=cluster) for post in posts]
    recorded = await site.store.record(posts, verdicts)
    routing = site.services.policies.current.routing
    cases = [case_for(post, verdict, routing) for post, verdict in zip(posts, recorded, strict=True)]
    await SqlReview.beside(site.store).open_cases(cases)


def post_of(number: int, text: str = "", **fields: Any) -> Post:
    """A post with that number, of one of three authors."""
    said = text or f"Doctors hide that bleach cures malaria, {number}"
    return numbered(number, said, **{"author": f"a-{number % 3}", "created_at": datetime.now(UTC), **fields})
