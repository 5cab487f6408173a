"""Shadow runs on a real store: a follower rules beside the verdicts, and the comparison adds up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.verdict import Source
from service.errors import InvalidInput, PolicyNotFound
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import Governing
from service.policy.governance.shadow import FOLLOWER, Shadow
from service.records.followers import Follower
from tests.fakes.queue_and_cache import MemoryAnnouncer
from tests.policy.conftest import GovernanceParts

MakeDocument = Callable[..., str]
ALLOW, REVIEW = Decision.ALLOW, Decision.REVIEW


@pytest.fixture
async def version(governing: Governing, document_of: MakeDocument) -> str:
    made = await governing.create(document_of(0.8), author="m-1")
    await governing.set_shadow(made.version, actor="m-1")
    return made.version


@pytest.fixture
def follower(governance: GovernanceParts) -> Follower:
    shadow = Shadow(lambda: governance.live.shadow, governance.store, governance.rulings)
    return Follower(FOLLOWER, governance.store, MemoryAnnouncer(), shadow.handle, governance.told, "now")


async def test_it_rules_on_what_is_recorded_from_then_on(
    governance: GovernanceParts, governing: Governing, follower: Follower, version: str, reader: PolicyDocuments
) -> None:
    await governance.record([0.85])
    await follower.step()
    await governance.live.refresh(governance.policies, reader)
    verdicts = await governance.record([0.95, 0.85, 0.5, 0.82], start=1)
    await follower.step()
    found = await governing.compare_shadow()
    assert (found.version, found.posts, found.agreed) == (version, 4, 2)
    assert found.matrix == {(ALLOW, REVIEW): 2, (REVIEW, REVIEW): 1, (ALLOW, ALLOW): 1}
    assert [(e.post, e.live, e.shadow, e.rules) for e in found.examples] == [
        (verdicts[3].post.name, ALLOW, REVIEW, ("hate",)),
        (verdicts[1].post.name, ALLOW, REVIEW, ("hate",)),
    ]
    assert found.examples[0].categories == (Category.HATE,)


async def test_the_same_verdicts_again_count_once(
    governance: GovernanceParts, governing: Governing, version: str, reader: PolicyDocuments
) -> None:
    await governance.live.refresh(governance.policies, reader)
    verdicts = await governance.record([0.85, 0.5])
    shadow = Shadow(lambda: governance.live.shadow, governance.store, governance.rulings)
    for _ in range(3):
        await shadow.handle(verdicts)
    assert (await governing.compare_shadow()).posts == 2


async def test_while_none_runs_nothing_is_kept(
    governance: GovernanceParts, governing: Governing, follower: Follower, version: str
) -> None:
    await follower.step()
    await governance.record([0.85])
    await follower.step()
    assert (await governing.compare_shadow(version)).posts == 0


async def test_what_people_or_the_breaker_decided_is_not_compared(
    governance: GovernanceParts, governing: Governing, version: str, reader: PolicyDocuments
) -> None:
    await governance.live.refresh(governance.policies, reader)
    verdicts = await governance.record([0.85, 0.95, 0.5])
    shadow = Shadow(lambda: governance.live.shadow, governance.store, governance.rulings)
    by_person = replace(verdicts[0], source=Source.MODERATOR)
    held = replace(verdicts[1], ruling=Ruling(REVIEW, (Category.HATE,), ("hate.over_budget",)))
    await shadow.handle([by_person, held, verdicts[2]])
    assert (await governing.compare_shadow(version)).matrix == {(ALLOW, ALLOW): 1}


async def test_a_comparison_of_the_last_days(
    governance: GovernanceParts, governing: Governing, version: str, reader: PolicyDocuments
) -> None:
    await governance.live.refresh(governance.policies, reader)
    shadow = Shadow(lambda: governance.live.shadow, governance.store, governance.rulings)
    await shadow.handle(await governance.record([0.85], age=timedelta(days=3)))
    await shadow.handle(await governance.record([0.85, 0.5], start=1))
    assert (await governing.compare_shadow(days=1)).posts == 2
    assert (await governing.compare_shadow(days=7)).posts == 3
    assert (await shadow.compare(version, datetime.now(UTC))).posts == 0


async def test_nothing_to_compare(governing: Governing) -> None:
    with pytest.raises(InvalidInput, match="nothing runs in shadow"):
        await governing.compare_shadow()
    with pytest.raises(PolicyNotFound):
        await governing.compare_shadow("0123")
