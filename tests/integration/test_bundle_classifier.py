"""The shipped bundle behind the service's `Classifier` port."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain import Context, Post, Verdict
from service.evidence import related
from workers.classifier import BundleClassifier


@pytest.fixture(scope="module")
def classifier() -> BundleClassifier:
    """The starter."""
    return BundleClassifier.load(None, None, device="cpu", threads=1)


def test_each_post_gets_its_own_judgement_in_order(classifier: BundleClassifier, post_of: Callable[..., Post]) -> None:
    posts = [post_of(f"A post about harbour number {number}.", id=str(number)) for number in range(5)]
    judgements = classifier.judge(posts)
    assert [judgement.content_digest for judgement in judgements] == [post.content_digest for post in posts]
    assert {judgement.model_version for judgement in judgements} == {classifier.version}


def test_posts_with_one_digest_get_one_judgement(classifier: BundleClassifier, post_of: Callable[..., Post]) -> None:
    text = "Caf\u00e9 owners say the new tax will close every second kitchen in town."
    spread = text.replace("\u00e9", "e\u0301").replace(" ", "  \n")
    first, second = classifier.judge([post_of(text), post_of(spread)])
    assert first == second


def test_evidence_of_a_spread_text_lies_inside_it(
    classifier: BundleClassifier, post_of: Callable[..., Post], verdict_of: Callable[..., Verdict]
) -> None:
    post = post_of("  Breaking:\r\n\r\nthe  caf\u0066e\u0301 hides the   TRUTH about water ")
    [judgement] = classifier.judge([post])
    encoded = post.text.encode()
    shown = related(replace(verdict_of(post), judgement=judgement), post.text).judgement
    assert shown
    assert shown.evidence.surprise
    for token in shown.evidence.surprise:
        assert encoded[token.start : token.end].decode().strip()


def test_spans_and_remainders_add_up_to_the_raw_score(
    classifier: BundleClassifier, post_of: Callable[..., Post]
) -> None:
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


def test_a_language_that_the_starter_does_not_cover_is_abstained(
    classifier: BundleClassifier, post_of: Callable[..., Post]
) -> None:
    [judgement] = classifier.judge(
        [post_of("El gobierno anunció nuevas medidas económicas para el próximo trimestre.")]
    )
    assert judgement.abstained == ("ABSTAINED_LANGUAGE",)
    assert judgement.signals


def test_a_post_in_another_context_has_a_judgement_of_its_own(
    classifier: BundleClassifier, post_of: Callable[..., Post]
) -> None:
    alone = post_of("That is what they told us.")
    answering = post_of("That is what they told us.", context=Context(parent_text="The moon is made of cheese."))
    assert alone.content_digest != answering.content_digest
    assert len(classifier.judge([alone, answering])) == 2
