"""A classifier of keywords, and the one claim that it knows."""

import re
from collections.abc import Sequence
from hashlib import sha256

from service.domain.canonical import canonical
from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.judgement import Evidence, JudgedBy, Judgement, Signal, Span
from service.domain.post import Post
from service.domain.text_signature import NO_SIGNATURE, TextSignature

CLAIM = Claim(
    id="moon",
    claim="The moon is made of green cheese.",
    url="https://check.example/moon",
    verdict="False",
    publisher="Example Check",
    rating=Rating.FALSE,
)


CLAIM_RELATIONS = {"cheese says who": Relation.REBUTS, "cheese": Relation.REPEATS}


KEYWORDS = {"ai_generated": "delve", "misinformation": "hoax"}


class KeywordClassifier:
    """Finds each signal likely where its keyword stands, and `CLAIM` repeated or rebutted by texts on cheese; texts
    with the same first four words leave near text_signatures. `passes` holds the texts of each pass; a text with a key
    of
    `failures` in it fails its pass with that error."""

    judged_by = JudgedBy("keywords-1", "claims-1")

    def __init__(self) -> None:
        self.passes: list[list[str]] = []
        self.failures: dict[str, BaseException] = {}

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        self.passes.append([post.text for post in posts])
        for word, error in self.failures.items():
            if any(word in post.text for post in posts):
                raise error
        return [self._judgement(post) for post in posts]

    def _judgement(self, post: Post) -> Judgement:
        text = canonical(post.text)
        found = {name: re.search(word, text) for name, word in KEYWORDS.items()}
        spans = tuple(
            Span(len(text[: match.start()].encode()), len(text[: match.end()].encode()), name, 3.0)
            for name, match in found.items()
            if match
        )
        return Judgement(
            content_digest=post.content_digest,
            model_version=self.judged_by.model,
            claims_version=self.judged_by.claims,
            signals={name: _signal(name, 0.97 if match else 0.03) for name, match in found.items()},
            evidence=Evidence(spans, matches=_matches(text)),
            words=len(text.split()),
            text_signature=_signature_of(text),
        )


def _matches(text: str) -> tuple[Match, ...]:
    for words, relation in CLAIM_RELATIONS.items():
        if words in text:
            claim = CLAIM.id, CLAIM.claim, CLAIM.verdict, CLAIM.rating, CLAIM.publisher, CLAIM.url
            return (Match(*claim, score=0.95, relation=relation, p_relation=0.9),)
    return ()


def _signature_of(text: str) -> TextSignature:
    beginning = text.split()[:4]
    if len(beginning) < 4:
        return NO_SIGNATURE
    return TextSignature((" ".join(beginning),), sha256(repr(beginning).encode()).digest())


def _signal(name: str, probability: float) -> Signal:
    return Signal(name, probability, 0.0, max(0.0, probability - 0.02), min(1.0, probability + 0.02))
