"""Appealing: what comes of an appeal that is rejected, and of one that is upheld with what was contested."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from service.domain.decision import Category, Decision
from service.domain.post import Post
from service.errors import InvalidInput
from service.policy.routing import Routing
from service.review.appeal import AppealState
from service.review.appealing import Appealing
from service.review.case import Ruled
from tests.fixtures.review import Reviewed, ruled, twins
from tests.review.conftest import Told

BLOCK, LABEL, ALLOW = Decision.BLOCK, Decision.LABEL, Decision.ALLOW
WHY = "The shop takes money and sends nothing"


@pytest.fixture
def appealing(reviewed: Reviewed, told: Told, routing: Routing) -> Appealing:
    """The use cases."""
    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(reviewed.clock.time, UTC)  # noqa: E731
    return Appealing(reviewed.review, reviewed.store, routing=lambda: routing, observer=told, now=now)


async def judged(reviewed: Reviewed, decision: Decision, *categories: Category) -> Post:
    [post] = twins(count=1)
    await reviewed.store.record([post], [reviewed.asking(post, decision, *categories)])
    return post


@pytest.mark.parametrize("reason", ["scam", "other", "fine"])
@pytest.mark.parametrize("decision", [BLOCK, LABEL])
async def test_a_rejected_one_keeps_what_was_decided(
    reviewed: Reviewed, appealing: Appealing, decision: Decision, reason: str
) -> None:
    post = await judged(reviewed, decision, Category.HATE, Category.FRAUD)
    before = await reviewed.current(post)
    appeal = await appealing.open(post.name, "My shop is real")
    said = Ruled(decision=ALLOW, reason=reason, rationale=WHY)
    found, made = await appealing.decide(appeal.id, "m-2", AppealState.REJECTED, said)
    assert (found.state, found.decision, found.categories) == (
        AppealState.REJECTED,
        decision,
        (Category.HATE, Category.FRAUD),
    )
    assert (made.verdicts, made.decision.applied) == ((), False)
    assert await reviewed.current(post) == before
    again, _ = await appealing.decide(appeal.id, "m-2", AppealState.REJECTED, said)
    assert again == found


async def test_a_rejection_says_why(reviewed: Reviewed, appealing: Appealing) -> None:
    appeal = await appealing.open((await judged(reviewed, BLOCK)).name, "My shop is real")
    for said, field in (
        (Ruled(decision=ALLOW, reason="scam"), "rationale"),
        (Ruled(decision=ALLOW, reason="none", rationale=WHY), "reason"),
    ):
        with pytest.raises(InvalidInput) as caught:
            await appealing.decide(appeal.id, "m-2", AppealState.REJECTED, said)
        assert caught.value.field == field


async def test_what_is_contested_upholds_nothing(reviewed: Reviewed, appealing: Appealing) -> None:
    post = await judged(reviewed, BLOCK, Category.HATE, Category.FRAUD)
    appeal = await appealing.open(post.name, "My shop is real")
    with pytest.raises(InvalidInput, match="is what the author contests"):
        await appealing.decide(appeal.id, "m-2", AppealState.UPHELD, ruled(BLOCK, Category.HATE, rationale=WHY))
    found, made = await appealing.decide(
        appeal.id, "m-2", AppealState.UPHELD, ruled(LABEL, Category.HATE, rationale=WHY)
    )
    assert found.state is AppealState.UPHELD
    assert [verdict.decision for verdict in made.verdicts] == [LABEL]
