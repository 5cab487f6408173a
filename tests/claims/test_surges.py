"""Claims that surge are taken out of enforcement, once, and nothing of it stops the work."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.claims.surges import REASON, Surges
from service.domain.claim import Claim, ClaimState, Relation
from service.domain.judgement import Judgement
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts

MakeJudgements = Callable[..., list[Judgement]]


@pytest.fixture
async def surges(parts: PipelineParts, cheese_claim: Claim) -> Surges:
    """On a store that holds the claim; twenty repeats are enough for a surge."""
    await parts.store.inner.put([cheese_claim])
    found: Surges = parts.surges()
    return found


@pytest.fixture
def repeats(parts: PipelineParts) -> MakeJudgements:
    """Makes judgements of so many posts that repeat the claim; keywords change their match."""

    def make(count: int, **changes: Any) -> list[Judgement]:
        judgements = parts.classifier.judge([numbered(number, f"cheese {number}") for number in range(count)])
        return [
            replace(judgement, evidence=replace(judgement.evidence, matches=(match._replace(**changes),)))
            for judgement in judgements
            for match in judgement.evidence.matches
        ]

    return make


async def test_a_surging_claim_is_quarantined_with_the_reason(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    assert await surges.check(repeats(19)) == frozenset()
    assert await surges.check(repeats(1)) == {"moon"}
    record = await parts.store.find_claim("moon")
    assert (record.state, record.reason) == (ClaimState.QUARANTINED, REASON)
    assert parts.told.quarantines == ["moon"]


async def test_it_is_passed_over_until_all_have_the_changed_claims(
    parts: PipelineParts, repeats: MakeJudgements, cheese_claim: Claim
) -> None:
    await parts.store.inner.put([cheese_claim])
    now = 0.0
    surges = Surges(parts.traffic, parts.store, parts.observer, lambda: now)
    assert await surges.check(repeats(40)) == {"moon"}
    now = 29.0
    assert await surges.check(repeats(40)) == {"moon"}
    now = 31.0
    assert await surges.check(repeats(40)) == frozenset()
    assert parts.told.quarantines == ["moon"]


async def test_only_posts_that_surely_repeat_a_claim_count(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    for changes in ({"relation": Relation.REBUTS}, {"relation": Relation.DISCUSSES}, {"abstained": True}):
        assert await surges.check(repeats(40, **changes)) == frozenset()
    assert await surges.check([]) == frozenset()
    assert (await parts.store.find_claim("moon")).state is ClaimState.ACTIVE


async def test_a_claim_that_a_person_quarantined_keeps_their_reason(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    await parts.store.quarantine("moon", "Under review.")
    assert await surges.check(repeats(40, quarantined=True)) == frozenset()
    assert (await parts.store.find_claim("moon")).reason == "Under review."


async def test_a_person_who_was_faster_than_the_workers_claims_keeps_their_reason(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    await parts.store.quarantine("moon", "Under review.")
    assert await surges.check(repeats(40)) == {"moon"}
    assert (await parts.store.find_claim("moon")).reason == "Under review."
    assert parts.told.quarantines == []


async def test_a_claim_put_back_is_not_taken_out_again_for_the_same_wave(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    await surges.check(repeats(40))
    await surges.check(repeats(40, quarantined=True))
    await parts.store.quarantine("moon", "")
    await surges.check(repeats(40))
    assert (await parts.store.find_claim("moon")).state is ClaimState.ACTIVE


async def test_a_quarantine_that_the_store_could_not_keep_is_tried_again(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    parts.store.away = True
    assert await surges.check(repeats(40)) == {"moon"}
    await surges.flush()
    assert [where for where, _ in parts.told.failures] == ["quarantine"] * 2
    parts.store.away = False
    await surges.flush()
    assert (await parts.store.find_claim("moon")).state is ClaimState.QUARANTINED
    assert parts.told.quarantines == ["moon"]
    calls = len(parts.store.calls)
    await surges.flush()
    assert len(parts.store.calls) == calls


async def test_a_claim_that_is_not_in_the_store_any_more_is_let_be(
    parts: PipelineParts, repeats: MakeJudgements
) -> None:
    surges = parts.surges()
    assert await surges.check(repeats(40)) == {"moon"}
    await surges.flush()
    assert parts.store.calls == ["quarantine"]
    assert parts.told.quarantines == []


async def test_while_redis_is_away_nothing_surges(
    parts: PipelineParts, surges: Surges, repeats: MakeJudgements
) -> None:
    parts.traffic.away = True
    assert await surges.check(repeats(40)) == frozenset()
    assert [where for where, _ in parts.told.failures] == ["claim_traffic"]
