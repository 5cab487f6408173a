"""The classifiers behind the service's `Classifier` port: posts to documents, readings and matches to judgements."""

from collections.abc import Sequence
from pathlib import Path

import torch

from classifiers.bundle import load_bundle
from classifiers.detector import Detector, Document, Reading
from classifiers.matcher import IndexMatch, Matcher
from classifiers.text.normalise import normalise
from classifiers.text.signature import text_signatures
from service.domain.canonical import canonical
from service.domain.claim import Match, Relation
from service.domain.judgement import Evidence, JudgedBy, Judgement, Remainder, Signal, Span, TokenSurprise
from service.domain.post import Post
from service.domain.text_signature import TextSignature
from workers.held_claims import HeldClaims, Snapshot

LEAST_SCORE = 0.2
"""Below this probability that a post is about a claim, it is not a match."""


class BundleClassifier:
    """A loaded bundle. Judges the canonical text, so that posts that share a content digest share a judgement.

    `held` are the claims to compare posts with; None for a bundle without claim parts, which matches none.
    """

    def __init__(self, detector: Detector, matcher: Matcher | None = None) -> None:
        self._detector, self._matcher = detector, matcher
        self.held = HeldClaims(matcher) if matcher else None

    @classmethod
    def load(
        cls, model: Path | None, heads: Path | None, *, device: str, threads: int, encoder: Path | None = None
    ) -> "BundleClassifier":
        """Load the bundle at `model` (None: the shipped starter); `encoder` replaces its own for finding claims."""
        torch.set_num_threads(threads)
        bundle = load_bundle(model, heads, device=device)
        matcher = Matcher(bundle, encoder, device=device) if bundle.parts.claims else None
        return cls(Detector(bundle), matcher)

    @property
    def judged_by(self) -> JudgedBy:
        """The bundle, and the claims that it holds now."""
        return JudgedBy(self._detector.version, self.held.current.version if self.held else "")

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        """One judgement per post, in order, all by the claims that are held as it begins."""
        texts = [canonical(post.text) for post in posts]
        documents = [Document(text, canonical(post.context.text)) for text, post in zip(texts, posts, strict=True)]
        readings = self._detector.score(documents)
        snapshot = self.held.current if self.held else None
        matches = self._matches(posts, snapshot)
        vectors = self._matcher.embed(texts) if self._matcher else None
        signatures = text_signatures([normalise(text).text for text in texts], vectors)
        return [
            self._judgement(post, reading, snapshot.version if snapshot else "", found, TextSignature(*traces))
            for post, reading, found, traces in zip(posts, readings, matches, signatures, strict=True)
        ]

    def _matches(self, posts: Sequence[Post], snapshot: Snapshot | None) -> list[tuple[Match, ...]]:
        """The claims that each post matches, in its text, link title and image text."""
        if self._matcher is None or snapshot is None or not snapshot.claims:
            return [()] * len(posts)
        shown = ["\n".join(filter(None, (post.text, post.context.shown))) for post in posts]
        found = self._matcher.match(shown, snapshot.index, least=LEAST_SCORE)
        return [tuple(_match(match, snapshot) for match in of_post) for of_post in found]

    def _judgement(
        self, post: Post, reading: Reading, claims_version: str, matches: tuple[Match, ...], traces: TextSignature
    ) -> Judgement:
        return Judgement(
            content_digest=post.content_digest,
            model_version=self._detector.version,
            claims_version=claims_version,
            signals={
                name: Signal(name, *_short(signal.probability, signal.raw, signal.low, signal.high))
                for name, signal in reading.signals.items()
            },
            evidence=_evidence(reading, matches),
            words=reading.words,
            abstained=reading.abstain,
            text_signature=traces,
        )


def _evidence(reading: Reading, matches: tuple[Match, ...]) -> Evidence:
    return Evidence(
        tuple(Span(span.start, span.end, span.label, *_short(span.weight)) for span in reading.spans),
        tuple(TokenSurprise(start, end, *_short(bits)) for start, end, bits in reading.surprise),
        dict(reading.obfuscation),
        tuple(Remainder(why.label, *_short(why.base, why.rest)) for why in reading.explanations),
        matches,
    )


def _match(found: IndexMatch, snapshot: Snapshot) -> Match:
    claim = snapshot.claims[found.place]
    score, p_relation = _short(found.score, found.p_relation)
    return Match(
        claim_id=claim.id,
        claim=claim.claim,
        verdict=claim.verdict,
        rating=claim.rating,
        publisher=claim.publisher,
        url=claim.url,
        score=score,
        relation=Relation(found.relation),
        p_relation=p_relation,
        abstained=found.abstained,
        quarantined=claim.id in snapshot.quarantined,
    )


def _short(*numbers: float) -> tuple[float, ...]:
    """Four decimals: more would be noise that is stored, sent and parsed."""
    return tuple(round(float(number), 4) for number in numbers)
