"""The live policy: taken up while it decides, whatever happens to the store or the document meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.errors import PolicyInvalid, StoreUnavailable
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import Governing
from service.policy.governance.live import LivePolicy, PolicyWatch
from service.policy.governance.policy_version import PolicyVersion, Slots
from tests.policy.conftest import GovernanceParts
from tests.waiting import until

MakeDocument = Callable[..., str]


class Away:
    """A store that may be away."""

    def __init__(self, store: Any) -> None:
        self.store, self.away, self.asked = store, False, 0

    async def slots(self) -> Slots:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("the store is away")
        return await self.store.slots()  # type: ignore[no-any-return]

    async def find_policy(self, version: str) -> PolicyVersion:
        return await self.store.find_policy(version)  # type: ignore[no-any-return]


@pytest.fixture
def away(governance: GovernanceParts) -> Away:
    return Away(governance.policies)


@pytest.fixture
def watch(governance: GovernanceParts, away: Away, reader: PolicyDocuments) -> PolicyWatch:
    return PolicyWatch(governance.live, away, reader, governance.told, interval=0.01)  # type: ignore[arg-type]


@pytest.fixture
async def two(governing: Governing, document_of: MakeDocument) -> list[str]:
    return [(await governing.create(document_of(t), author="m-1")).version for t in (0.8, 0.7)]


async def test_the_file_decides_until_something_is_promoted_and_after_the_way_back(
    governance: GovernanceParts, governing: Governing, watch: PolicyWatch, two: list[str]
) -> None:
    file = governance.live.current
    live = []
    for act in (
        lambda: governing.set_shadow(two[1], actor="m"),
        lambda: governing.promote(two[0], actor="m"),
        lambda: governing.promote(two[1], actor="m"),
        lambda: governing.roll_back(actor="m"),
        lambda: governing.roll_back(actor="m"),
    ):
        await act()
        await watch.look()
        live.append((governance.live.current.version, governance.live.shadow and governance.live.shadow.version))
    assert live == [
        (file.version, two[1]),
        (two[0], two[1]),
        (two[1], None),
        (two[0], None),
        (file.version, None),
    ]
    assert governance.live.current is file
    assert governance.told.policies == [*(version for version, _ in live[1:])]
    assert not governance.told.failures


async def test_a_promoted_version_is_taken_up_by_whoever_watches(
    governance: GovernanceParts, governing: Governing, watch: PolicyWatch, two: list[str]
) -> None:
    task = asyncio.create_task(watch.run())
    await governing.promote(two[0], actor="m")
    await until(lambda: governance.live.current.version == two[0])
    await governing.roll_back(actor="m")
    await until(lambda: governance.live.current.version != two[0])
    task.cancel()


async def test_while_nothing_changes_nothing_is_read(
    governance: GovernanceParts, governing: Governing, away: Away, watch: PolicyWatch, two: list[str]
) -> None:
    await governing.promote(two[0], actor="m")
    await watch.look()
    taken = governance.live.current
    for _ in range(3):
        await watch.look()
    assert (governance.live.current is taken, away.asked, len(governance.told.policies)) == (True, 4, 1)


async def test_while_the_store_is_away_the_old_policy_serves_and_one_trouble_is_told(
    governance: GovernanceParts, governing: Governing, away: Away, watch: PolicyWatch, two: list[str]
) -> None:
    await governing.promote(two[0], actor="m")
    await watch.look()
    await governing.promote(two[1], actor="m")
    away.away = True
    for _ in range(3):
        await watch.look()
    assert governance.live.current.version == two[0]
    assert [type(error) for error in governance.told.failures] == [StoreUnavailable]
    away.away = False
    await watch.look()
    assert governance.live.current.version == two[1]
    away.away = True
    await watch.look()
    assert len(governance.told.failures) == 2


async def test_a_version_that_cannot_be_read_here_changes_nothing_and_is_told_once(
    governance: GovernanceParts, governing: Governing, watch: PolicyWatch, two: list[str], document_of: MakeDocument
) -> None:
    broken = PolicyVersion(
        version="bad",
        title="t",
        description="d",
        document=document_of(then="BLOCK"),
        author="m",
        created_at=datetime.now(UTC),
    )
    await governance.policies.add_policy(broken)
    await governing.promote(two[0], actor="m")
    await watch.look()
    await governance.policies.promote("bad", "m", "", expected=None)
    for _ in range(3):
        await watch.look()
    assert governance.live.current.version == two[0]
    [error] = governance.told.failures
    assert isinstance(error, PolicyInvalid)
    assert "policies/bad" in str(error)
    assert "ASSAY_CERTIFICATE" in str(error)
    await governing.roll_back(actor="m")
    await watch.look()
    await governing.promote(two[1], actor="m")
    await watch.look()
    assert governance.live.current.version == two[1]


async def test_a_bad_shadow_does_not_stop_a_promotion(
    governance: GovernanceParts, governing: Governing, watch: PolicyWatch, two: list[str], document_of: MakeDocument
) -> None:
    made = await governing.find(two[0])
    await governance.policies.add_policy(replace(made, version="bad", document=document_of(then="BLOCK")))
    await governance.policies.set_shadow("bad", "m", "")
    await governing.promote(two[0], actor="m")
    await watch.look()
    assert (governance.live.current.version, governance.live.shadow) == (two[0], None)
    assert len(governance.told.failures) == 1
    await governing.set_shadow(two[1], actor="m")
    await watch.look()
    assert governance.live.shadow
    assert governance.live.shadow.version == two[1]


async def test_at_a_start_a_live_version_that_cannot_be_read_is_an_error(
    governance: GovernanceParts, reader: PolicyDocuments, document_of: MakeDocument
) -> None:
    bad = PolicyVersion(
        version="bad",
        title="t",
        description="d",
        document=document_of(then="BLOCK"),
        author="m",
        created_at=datetime.now(UTC),
    )
    await governance.policies.add_policy(bad)
    await governance.policies.promote("bad", "m", "", expected=None)
    with pytest.raises(PolicyInvalid):
        await LivePolicy(reader.policy(document_of())).refresh(governance.policies, reader)
