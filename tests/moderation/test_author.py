"""What an author's posts say together: which count, what they amount to, when the answer is none."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.judgement import Judgement, Signal
from service.domain.post import Post
from service.errors import InvalidInput
from service.moderation.author import (
    AI_GENERATED,
    DUPLICATE,
    FILE,
    NOT_FITTED,
    NOT_JUDGED,
    TOO_FEW_POSTS,
    TOO_SHORT,
    AuthorJudgement,
    Weighing,
)
from service.runtime.settings import Settings
from service.runtime.wiring import connections

SHIPPED = connections.STARTER / FILE


def judged(post: Post, probability: float = 0.8, **changes: object) -> Judgement:
    signal = Signal(AI_GENERATED, probability, 1.0, 0.5, 0.9)
    words = len(post.text.split())
    judgement = Judgement(
        content_digest=post.content_digest, model_version="m1", signals={AI_GENERATED: signal}, words=words
    )
    return replace(judgement, **changes)  # type: ignore[arg-type]


def posts_saying(number: int, words: int = 14) -> list[Post]:
    return [
        Post(platform="example", id=str(index), text=f"post {index} " + "word " * (words - 2))
        for index in range(number)
    ]


def weighed(weighing: Weighing, posts: list[Post], *probabilities: float) -> AuthorJudgement:
    return weighing.judge("a-1", posts, [judged(post, p) for post, p in zip(posts, probabilities, strict=True)])


def test_twenty_short_posts_reach_what_one_cannot(weighing: Weighing) -> None:
    three, twenty = (weighed(weighing, posts_saying(n), *[0.8] * n) for n in (3, 20))
    assert three.signal
    assert twenty.signal
    assert 0.8 < three.signal.probability < twenty.signal.probability
    assert twenty.signal.probability > 0.95
    assert twenty.counted == 20
    assert twenty.share
    assert twenty.share.value > 0.9
    assert twenty.signal.low < twenty.signal.probability < twenty.signal.high


def test_posts_that_disagree_cancel_out(weighing: Weighing) -> None:
    judgement = weighed(weighing, posts_saying(20), *[0.95, 0.05] * 10)
    assert judgement.signal
    assert judgement.share
    assert judgement.signal.probability == pytest.approx(0.5)
    assert judgement.share.value == pytest.approx(0.5, abs=0.01)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1), min_size=3, max_size=12), st.integers(0, 99))
def test_order_does_not_matter(weighing: Weighing, probabilities: list[float], seed: int) -> None:
    posts = posts_saying(len(probabilities))
    order = random.Random(seed).sample(range(len(posts)), len(posts))
    first = weighed(weighing, posts, *probabilities)
    second = weighed(weighing, [posts[n] for n in order], *(probabilities[n] for n in order))
    assert (first.signal, first.share) == (second.signal, second.share)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1), min_size=3, max_size=12), st.integers(0, 2), st.integers(1, 9))
def test_saying_the_same_again_moves_nothing(
    weighing: Weighing, probabilities: list[float], which: int, times: int
) -> None:
    posts = posts_saying(len(probabilities))
    once = weighed(weighing, posts, *probabilities)
    again = weighed(weighing, posts + [posts[which]] * times, *probabilities, *[probabilities[which]] * times)
    assert (once.signal, once.share, once.counted) == (again.signal, again.share, again.counted)


@pytest.mark.parametrize(
    "twin", ["  POST 0   " + "Word " * 12, "post 0 " + "word " * 12 + "https://example.org/x @someone #tag"]
)
def test_variants_of_a_text_count_once(weighing: Weighing, twin: str) -> None:
    posts = [*posts_saying(4), Post(platform="example", id="twin", text=twin)]
    findings = weighed(weighing, posts, *[0.8] * 5).findings
    assert sorted([findings[0].excluded, findings[4].excluded]) == ["", DUPLICATE]


def test_what_does_not_count_is_named(weighing: Weighing) -> None:
    posts = posts_saying(9)
    judgements: list[Judgement | None] = [judged(post) for post in posts]
    judgements[4] = None
    judgements[5] = judged(posts[5], words=4)
    judgements[6] = judged(posts[6], abstained=("ABSTAINED_LANGUAGE",))
    judgements[7] = judged(posts[7], model_version="m0")
    judgements[8] = judged(posts[8], abstained=(TOO_SHORT,))  # but it has words enough for this
    judgement = weighing.judge("a-1", posts, judgements)
    excluded = [finding.excluded for finding in judgement.findings]
    assert excluded == ["", "", "", "", NOT_JUDGED, TOO_SHORT, "ABSTAINED_LANGUAGE", NOT_FITTED, ""]
    assert judgement.counted == 5
    assert judgement.signal
    assert judgement.findings[4].signal is None
    assert judgement.findings[6].signal


@pytest.mark.parametrize(
    ("number", "words", "answers"), [(2, 30, False), (3, 13, False), (3, 14, True), (8, 5, True), (7, 5, False)]
)
def test_too_little_evidence_abstains(weighing: Weighing, number: int, words: int, *, answers: bool) -> None:
    judgement = weighed(weighing, posts_saying(number, words), *[0.99] * number)
    assert (judgement.signal is not None) == (judgement.share is not None) == answers
    assert judgement.abstained == (() if answers else (TOO_FEW_POSTS,))
    assert all(finding.signal for finding in judgement.findings)


def test_another_model_than_the_weighing_is_for_abstains_and_says_so(weighing: Weighing) -> None:
    posts = posts_saying(10)
    judgement = weighing.judge("a-1", posts, [judged(post, model_version="m2") for post in posts])
    assert judgement.abstained == (TOO_FEW_POSTS, NOT_FITTED)
    assert judgement.model_version == "m2"


def test_the_shipped_weighing_can_be_read() -> None:
    shipped = Weighing.from_json(SHIPPED.read_text(encoding="utf-8"))
    assert 0 < shipped.weights.correlation < 1
    assert len(shipped.resampled) >= 20


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_version": "m1", "weights": {}, "resampled": []}', "null"])
def test_a_file_that_is_no_weighing_is_refused_with_the_setting_that_named_it(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"ASSAY_TIMELINE.*assay timelines --fit"):
        Weighing.from_json(text)


def test_the_weighing_is_that_of_the_bundle_unless_a_setting_names_one(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    (tmp_path / FILE).write_text(text)
    for chosen in (
        Settings(model=tmp_path),
        Settings(heads=tmp_path),
        Settings(timeline=SHIPPED, model=tmp_path / "x"),
    ):
        assert connections.weighing(chosen) == Weighing.from_json(text)
    with pytest.raises(OSError, match="nowhere"):
        connections.weighing(Settings(timeline=tmp_path / "nowhere"))


def test_in_a_bundle_that_was_not_fitted_no_post_counts(tmp_path: Path) -> None:
    found = weighed(connections.weighing(Settings(model=tmp_path)), posts_saying(20), *[0.8] * 20)
    assert found.abstained == (TOO_FEW_POSTS, NOT_FITTED)
    assert (found.signal, found.counted, found.model_version) == (None, 0, "m1")


def test_a_weighing_with_a_bucket_missing_is_refused() -> None:
    data = json.loads(SHIPPED.read_text(encoding="utf-8"))
    data["weights"]["slopes"].pop()
    with pytest.raises(InvalidInput, match="bucket"):
        Weighing.from_json(json.dumps(data))
