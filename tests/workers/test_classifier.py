"""The shipped bundle behind the service's `Classifier` port."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.claims.sql import SqlClaims
from service.domain.claim import Claim, Relation
from service.domain.evidence import related
from service.domain.judgement import JudgedBy
from service.domain.post import Context
from service.domain.text_signature import near
from tests.factories import post_of, verdict_of
from workers.classifier import LEAST_SCORE, BundleClassifier

PLAIN = "Look what I found this morning, what do you all make of it?"


async def hold(classifier: BundleClassifier, claim_store: SqlClaims) -> None:
    """Take the store's claims up."""
    assert classifier.held
    assert await classifier.held.refresh(claim_store)


def test_each_post_gets_its_own_judgement_in_order(classifier: BundleClassifier) -> None:
    posts = [post_of(f"A post about harbour number {number}.", id=str(number)) for number in range(5)]
    judgements = classifier.judge(posts)
    assert [judgement.content_digest for judgement in judgements] == [post.content_digest for post in posts]
    assert {judgement.judged_by for judgement in judgements} == {classifier.judged_by}
    assert classifier.judged_by.model


def test_posts_with_one_digest_get_one_judgement(classifier: BundleClassifier) -> None:
    text = "Caf\u00e9 owners say the new tax will close every second kitchen in town."
    spread = text.replace("\u00e9", "e\u0301").replace(" ", "  \n")
    first, second = classifier.judge([post_of(text), post_of(spread)])
    assert first == second


def test_evidence_of_a_spread_text_lies_inside_it(classifier: BundleClassifier) -> None:
    post = post_of("  Breaking:\r\n\r\nthe  caf\u0066e\u0301 hides the   TRUTH about water ")
    [judgement] = classifier.judge([post])
    encoded = post.text.encode()
    shown = related(replace(verdict_of(post), judgement=judgement), post.text).judgement
    assert shown
    assert shown.evidence.surprise
    for token in shown.evidence.surprise:
        assert encoded[token.start : token.end].decode().strip()


def test_spans_and_remainders_add_up_to_the_raw_score(classifier: BundleClassifier) -> None:
    posts = [
        post_of("I hate these people, they are vermin 👍 and should be wiped out. Shаre this now!"),
        post_of("Secret cure: doctors hide that lemon water kills every virus. They don't want you to know. " * 8),
    ]
    for judgement in classifier.judge(posts):
        spans = judgement.evidence.spans
        assert [abs(span.weight) for span in spans] == sorted((abs(span.weight) for span in spans), reverse=True)
        assert judgement.evidence.remainders
        for remainder in judgement.evidence.remainders:
            weights = sum(span.weight for span in spans if span.signal == remainder.signal)
            raw = judgement.signals[remainder.signal].raw
            assert remainder.base + remainder.rest + weights == pytest.approx(raw, abs=2e-3)


def test_a_language_that_the_starter_does_not_cover_is_abstained(classifier: BundleClassifier) -> None:
    [judgement] = classifier.judge(
        [post_of("El gobierno anunció nuevas medidas económicas para el próximo trimestre.")]
    )
    assert judgement.abstained == ("ABSTAINED_LANGUAGE",)
    assert judgement.signals


def test_a_post_in_another_context_has_a_judgement_of_its_own(classifier: BundleClassifier) -> None:
    alone = post_of("That is what they told us.")
    answering = post_of("That is what they told us.", context=Context(parent_text="The moon is made of cheese."))
    assert alone.content_digest != answering.content_digest
    assert len(classifier.judge([alone, answering])) == 2


async def test_a_post_that_copies_a_claim_has_it_as_its_first_match(
    classifier: BundleClassifier, claim_store: SqlClaims, claims: list[Claim]
) -> None:
    await claim_store.put(claims)
    await hold(classifier, claim_store)
    posts = [post_of(claim.claim) for claim in claims]
    judgements = classifier.judge([*posts, post_of(PLAIN)])
    for claim, judgement in zip(claims, judgements, strict=False):
        match = judgement.evidence.matches[0]
        told = match.claim_id, match.claim, match.verdict, match.rating, match.publisher, match.url
        assert told == (claim.id, claim.claim, claim.verdict, claim.rating, claim.publisher, claim.url)
        assert match.score > 0.9
        assert match.relation is Relation.REPEATS
        assert (match.quarantined, match.weight) == (False, 0.0)  # weighing is the core's
    for judgement in judgements:
        scores = [match.score for match in judgement.evidence.matches]
        assert all(score >= LEAST_SCORE for score in scores)
    assert judgements[-1].evidence.matches == ()


@pytest.mark.parametrize("part", ["link_title", "image_alt", "image_text"])
async def test_claims_are_looked_for_in_what_a_post_shows_beside_its_text(
    classifier: BundleClassifier, claim_store: SqlClaims, claims: list[Claim], part: str
) -> None:
    await claim_store.put(claims)
    await hold(classifier, claim_store)
    shown = post_of(PLAIN, context=Context(**{part: claims[0].claim}))
    answering = post_of(PLAIN, context=Context(parent_text=claims[0].claim))
    beside, above = classifier.judge([shown, answering])
    assert beside.evidence.matches[0].claim_id == claims[0].id
    assert above.evidence.matches == ()  # what it answers is another's word


async def test_a_quarantined_claim_is_matched_and_marked(
    classifier: BundleClassifier, claim_store: SqlClaims, claims: list[Claim]
) -> None:
    await claim_store.put(claims)
    await hold(classifier, claim_store)
    before = classifier.judged_by
    await claim_store.quarantine("garlic", "too wide")
    await hold(classifier, claim_store)
    judgements = classifier.judge([post_of(claim.claim) for claim in claims])
    marked = {judgement.evidence.matches[0].claim_id: judgement.evidence.matches[0] for judgement in judgements}
    assert [claim_id for claim_id, match in marked.items() if match.quarantined] == ["garlic"]
    assert classifier.judged_by.model == before.model
    assert classifier.judged_by.claims not in {"", before.claims}
    await claim_store.quarantine("garlic", "")
    await hold(classifier, claim_store)
    assert classifier.judged_by == before


async def test_without_claims_nothing_is_compared(classifier: BundleClassifier, claim_store: SqlClaims) -> None:
    assert classifier.held
    assert not await classifier.held.refresh(claim_store)
    [judgement] = classifier.judge([post_of()])
    assert classifier.judged_by.claims == judgement.claims_version == ""
    assert judgement.evidence.matches == ()


def test_a_bundle_without_claim_parts_judges_alike_and_matches_nothing(
    classifier: BundleClassifier, bare_bundle: Path
) -> None:
    plain = BundleClassifier.load(bare_bundle, None, device="cpu", threads=1)
    assert plain.held is None
    assert plain.judged_by == JudgedBy(classifier.judged_by.model, "")
    posts = [post_of(PLAIN), post_of(f"{PLAIN}!!!")]
    [one, other], [full, _] = plain.judge(posts), classifier.judge(posts)
    assert one.signals == full.signals
    assert one.evidence == full.evidence
    assert near(one.text_signature, other.text_signature)
    assert not one.text_signature.vector


def test_near_duplicates_leave_near_signatures_and_other_texts_do_not(classifier: BundleClassifier) -> None:
    offer = "This cheap watch makes you rich within a week, doctors hate it, order it here today"
    texts = [offer, f"RT: {offer.upper()} !!", "Something stirred on the river bank this morning, herons mostly"]
    one, copied, apart = (judgement.text_signature for judgement in classifier.judge([post_of(text) for text in texts]))
    assert near(one, copied)
    assert not near(one, apart)
    assert set(one.bands) & set(copied.bands)
    assert one.vector
