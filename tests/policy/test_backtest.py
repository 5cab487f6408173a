"""Backtests on a real store: each flip counted once, nothing else counted, whatever the pages."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, verdict_on
from service.errors import InvalidInput, PolicyNotFound
from service.policy.document import PolicyDocuments
from service.policy.governance import governing as governing_module
from service.policy.governance.backtest import Tally
from service.policy.governance.governing import Governing
from tests.policy.conftest import GovernanceParts

MakeDocument = Callable[..., str]
ALLOW, LABEL, REVIEW = Decision.ALLOW, Decision.LABEL, Decision.REVIEW


@pytest.fixture
async def lower(governing: Governing, document_of: MakeDocument) -> str:
    """A version that asks a person from 0.80 on; live is 0.90."""
    return (await governing.create(document_of(0.8), author="m-1")).version


async def test_flips_are_counted_and_told(governance: GovernanceParts, governing: Governing, lower: str) -> None:
    verdicts = await governance.record([0.95, 0.85, 0.82, 0.5, 0.81])
    governance.appeals.posts = {verdicts[0].post.name, verdicts[1].post.name}
    found = await governing.backtest(lower)
    assert (found.posts, found.flipped, found.upheld, found.complete) == (5, 3, 1, True)
    assert found.flips == {(ALLOW, REVIEW): 3}
    assert found.categories[Category.HATE].before == 1
    assert (found.categories[Category.HATE].after, found.categories[Category.HATE].gained) == (4, 3)
    assert [flip.post for flip in found.examples] == [verdicts[n].post.name for n in (4, 2, 1)]
    assert [flip.upheld for flip in found.examples] == [False, False, True]
    assert found.examples[0].after.rules == ("hate",)
    assert found.summary.startswith("This change flips 3 of 5 posts since ")
    assert found.summary.endswith(": 3 ALLOW to REVIEW; 1 had appeals upheld.")


async def test_a_version_against_itself_flips_nothing(
    governance: GovernanceParts, governing: Governing, lower: str
) -> None:
    await governance.record([0.95, 0.85])
    found = await governing.backtest(lower, base=lower)
    assert (found.posts, found.flipped, found.recategorised) == (2, 0, 0)
    assert "flips none of 2 posts" in found.summary
    assert (await governing.backtest((await governing.live()).version)).flipped == 0


async def test_older_verdicts_are_left_out(governance: GovernanceParts, governing: Governing, lower: str) -> None:
    await governance.record([0.85], age=timedelta(days=8))
    await governance.record([0.85], age=timedelta(days=6), start=1)
    assert (await governing.backtest(lower)).posts == 1
    assert (await governing.backtest(lower, days=30)).posts == 2


@pytest.mark.parametrize("limit", [1, 4, 5, 6, 9, 10, 11])
async def test_pages_lose_and_repeat_nothing(
    governance: GovernanceParts, governing: Governing, lower: str, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(governing_module, "_PORTION", 5)
    await governance.record([0.85] * 10)
    found = await governing.backtest(lower, limit=limit)
    assert (found.posts, found.flipped, found.complete) == (min(limit, 10), min(limit, 10), limit >= 10)
    assert ("(the newest)" in found.summary) is (limit < 10)


async def test_what_people_decided_and_what_no_model_judged_stay(
    governance: GovernanceParts, governing: Governing, lower: str
) -> None:
    [verdict] = await governance.record([0.85])
    by_person = replace(verdict, source=Source.MODERATOR, ruling=Ruling(ALLOW, (), ("moderator",), "fine", "cases/1"))
    await governance.store.revise([by_person])
    post = Post(platform="x", id="set-aside", text="stops the model")
    aside = verdict_on(post, Ruling(REVIEW, (), ("defaults.set_aside",)), policy_version="p", source=Source.SET_ASIDE)
    await governance.store.record([post], [aside])
    found = await governing.backtest(lower)
    assert (found.posts, found.by_people, found.unjudged, found.flipped) == (0, 1, 1, 0)


async def test_automatic_actions_before_and_after(
    governance: GovernanceParts, governing: Governing, document_of: MakeDocument
) -> None:
    await governance.record([0.95, 0.85, 0.5])
    acting = await governing.create(document_of(0.8, then="REDUCE"), author="m-1")
    found = await governing.backtest(acting.version)
    assert found.automatic == (0, 2)
    assert found.flips == {(REVIEW, Decision.REDUCE): 1, (ALLOW, Decision.REDUCE): 1}


@pytest.mark.parametrize("fields", [{"days": 0}, {"days": 400}, {"limit": 0}, {"limit": 2_000_000}])
async def test_bounds(governing: Governing, lower: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="out of bounds"):
        await governing.backtest(lower, **fields)
    with pytest.raises(PolicyNotFound):
        await governing.backtest("0123")


THRESHOLDS = st.tuples(*[st.sampled_from([0.5, 0.7, 0.9])] * 2)
SCORES = st.lists(st.floats(0, 1), max_size=30)


@settings(max_examples=60, deadline=None)
@given(SCORES, THRESHOLDS, st.integers(1, 7))
def test_counts_add_up_however_they_come_in(
    document_of: MakeDocument, reader: PolicyDocuments, found: list[float], bounds: tuple[float, float], portion: int
) -> None:
    before, after = bounds
    base, candidate = (reader.policy(document_of(threshold)) for threshold in (before, after))
    posts = [Post(platform="x", id=str(n), text="t") for n in range(len(found))]
    verdicts = [_verdict(post, score, base) for post, score in zip(posts, found, strict=True)]
    tally = Tally(base, candidate)
    for start in range(0, len(posts), portion):
        flips = tally.decide(posts[start : start + portion], verdicts[start : start + portion])
        tally.count(flips, {flip.post for flip in flips if int(flip.post.rsplit("/")[-1]) % 2})
    result = tally.result(datetime.now(UTC), complete=True)
    pairs = Counter((_decision(score, before), _decision(score, after)) for score in found)
    assert result.posts == len(found)
    assert result.flips == {pair: count for pair, count in pairs.items() if pair[0] != pair[1]}
    assert result.upheld == sum(
        n % 2 for n, score in enumerate(found) if _decision(score, before) != _decision(score, after)
    )
    hate = result.categories.get(Category.HATE)
    if hate:
        assert hate.before + hate.gained - hate.lost == hate.after
        assert hate.gained + hate.lost == result.flipped + result.recategorised
    assert len(result.examples) <= 5 * len(result.flips)


def _decision(score: float, threshold: float) -> Decision:
    return REVIEW if score >= threshold else ALLOW


def _verdict(post: Post, score: float, policy: Any) -> Verdict:
    judgement = Judgement(
        content_digest=post.content_digest,
        model_version="m1",
        signals={"hate": Signal("hate", score, 0.0, score, score)},
        words=30,
    )
    ruling = policy.decide(post, judgement)
    return verdict_on(post, ruling, policy_version="p", source=Source.MODEL, judgement=judgement)
