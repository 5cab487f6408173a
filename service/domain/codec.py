"""Domain objects to plain JSON values and back: the one form for queue, cache and store.

`decode` functions accept what their `encode` twins of this release or the one before made, and ignore unknown keys.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.decision import Category, Decision, Ruling, Standing
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import NO_CONTEXT, Context, Post, PostKey, Surface
from service.domain.verdict import Skip, Source, Verdict

Json = dict[str, Any]


def encode_post(post: Post) -> Json:
    """All of a post; empty fields are left out."""
    context = {name: value for name in Context.__slots__ if (value := getattr(post.context, name))}
    fields = {
        "platform": post.platform,
        "id": post.id,
        "text": post.text,
        "surface": post.surface.value,
        "author": post.author,
        "locale": post.locale,
        "region": post.region,
        "created_at": post.created_at and post.created_at.isoformat(),
        "context": context,
        "metadata": dict(post.metadata),
    }
    return {name: value for name, value in fields.items() if value}


def decode_post(data: Mapping[str, Any]) -> Post:
    """A post from `encode_post`."""
    created = data.get("created_at")
    return Post(
        platform=data["platform"],
        id=data["id"],
        text=data["text"],
        surface=Surface(data["surface"]),
        author=data.get("author", ""),
        locale=data.get("locale", ""),
        region=data.get("region", ""),
        created_at=datetime.fromisoformat(created) if created else None,
        context=_decode_context(data["context"]) if data.get("context") else NO_CONTEXT,
        metadata=data.get("metadata", {}),
    )


def _decode_context(data: Mapping[str, str]) -> Context:
    return Context(**{name: data[name] for name in Context.__slots__ if name in data})


def encode_claim(claim: Claim) -> Json:
    """All of a claim; empty fields are left out."""
    fields = {
        "id": claim.id,
        "claim": claim.claim,
        "title": claim.title,
        "url": claim.url,
        "date": claim.date and claim.date.isoformat(),
        "verdict": claim.verdict,
        "publisher": claim.publisher,
        "rating": claim.rating.value,
    }
    return {name: value for name, value in fields.items() if value}


def decode_claim(data: Mapping[str, Any]) -> Claim:
    """A claim from `encode_claim`."""
    day = data.get("date")
    return Claim(
        id=data["id"],
        claim=data["claim"],
        title=data.get("title", ""),
        url=data.get("url", ""),
        date=date.fromisoformat(day) if day else None,
        verdict=data.get("verdict", ""),
        publisher=data.get("publisher", ""),
        rating=Rating(data["rating"]),
    )


def encode_judgement(judgement: Judgement) -> Json:
    """A judgement without its text signature; signals, spans, surprise, remainders, matches as tuples (JSON arrays)."""
    evidence = judgement.evidence
    return {
        "content": judgement.content_digest,
        "model": judgement.model_version,
        "claims": judgement.claims_version,
        "signals": list(judgement.signals.values()),
        "spans": list(evidence.spans),
        "surprise": list(evidence.surprise),
        "obfuscation": dict(evidence.obfuscation),
        "remainders": list(evidence.remainders),
        "matches": list(evidence.matches),
        "words": judgement.words,
        "abstained": list(judgement.abstained),
        "cluster": judgement.cluster,
        "standing": list(judgement.standing),
    }


def decode_judgement(data: Mapping[str, Any]) -> Judgement:
    """A judgement from `encode_judgement`."""
    return Judgement(
        content_digest=data["content"],
        model_version=data["model"],
        claims_version=data.get("claims", ""),
        signals={signal[0]: Signal._make(signal) for signal in data["signals"]},
        evidence=Evidence(
            tuple(Span._make(span) for span in data["spans"]),
            tuple(TokenSurprise._make(token) for token in data["surprise"]),
            data["obfuscation"],
            tuple(Remainder._make(remainder) for remainder in data.get("remainders", ())),
            tuple(_decode_match(match) for match in data.get("matches", ())),
        ),
        words=data["words"],
        abstained=tuple(data["abstained"]),
        cluster=data.get("cluster", ""),
        standing=tuple(decode_standing(standing) for standing in data.get("standing", ())),
    )


def decode_standing(data: Sequence[Any]) -> Standing:
    """A standing decision from the JSON array of its fields."""
    post, decision, categories, reason, case = data
    return Standing(post, Decision(decision), tuple(Category(category) for category in categories), reason, case)


def _decode_match(data: Sequence[Any]) -> Match:
    match = Match._make(data)
    return match._replace(rating=Rating(match.rating), relation=Relation(match.relation))


def encode_verdict(verdict: Verdict) -> Json:
    """A verdict without its judgement, which is kept under its own key."""
    return {
        "name": verdict.post.name,
        "fingerprint": verdict.post.fingerprint,
        "content": verdict.content_digest,
        "surface": verdict.surface.value,
        "decision": verdict.decision.value,
        "categories": [category.value for category in verdict.ruling.categories],
        "rules": list(verdict.ruling.rules),
        "reason": verdict.ruling.reason,
        "case": verdict.ruling.case,
        "policy": verdict.policy_version,
        "model": verdict.model_version,
        "claims": verdict.judged_by.claims,
        "source": verdict.source.value,
        "decided_at": verdict.decided_at.timestamp(),
        "skipped": [[skip.stage, skip.reason] for skip in verdict.skipped],
        "latency": dict(verdict.latency),
        "sequence": verdict.sequence,
        "revision": verdict.revision,
    }


def decode_verdict(data: Mapping[str, Any], judgement: Judgement | None) -> Verdict:
    """A verdict from `encode_verdict` and its judgement (None for provisional and set-aside ones)."""
    return Verdict(
        post=PostKey(data["name"], data["fingerprint"]),
        content_digest=data["content"],
        surface=Surface(data["surface"]),
        ruling=Ruling(
            Decision(data["decision"]),
            tuple(Category(category) for category in data["categories"]),
            tuple(data["rules"]),
            data.get("reason", ""),
            data.get("case", ""),
        ),
        policy_version=data["policy"],
        source=Source(data["source"]),
        decided_at=datetime.fromtimestamp(data["decided_at"], UTC),
        judgement=judgement,
        skipped=tuple(Skip(*skip) for skip in data["skipped"]),
        latency=data["latency"],
        sequence=data["sequence"],
        revision=data.get("revision", 0),
    )
