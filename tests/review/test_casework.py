"""A real front opens cases by itself; what is decided there reaches the cache and whoever watches."""

from dataclasses import replace
from typing import Any

from service.domain.decision import Category, Decision, Ruling
from service.domain.verdict import Source, VerdictFilter
from service.records.sql.store import SqlStore
from service.review.appeal import AppealState
from service.review.case import Case, Ruled, Scope
from service.runtime.settings import Settings
from service.runtime.wiring.front import Front, started_front
from tests.factories import post_of, verdict_of
from tests.waiting import until


async def leased(front: Front, moderator: str) -> Case:
    """The next case, as soon as there is one."""
    cases = front.cases
    found = await until(lambda: cases.reviewing.lease(moderator), within=20, pause=0.05)
    return found[0]


async def test_from_a_recorded_verdict_to_an_upheld_appeal(
    redis_url: str, sqlite_url: str, sqlite_store: SqlStore
) -> None:
    settings = Settings(redis_url=redis_url, database_url=sqlite_url, metrics_port=0)
    first, twin = post_of("Win money now", id="1"), post_of("Win money now", id="2")
    async with started_front(settings) as front:
        asking = [replace(verdict_of(post, sequence=0), ruling=Ruling(Decision.REVIEW)) for post in (first, twin)]
        await sqlite_store.record([first, twin], asking)
        case = await leased(front, "m-1")
        said = Ruled(decision=Decision.BLOCK, categories=(Category.FRAUD,), **_reason(front), rationale="a scam")
        _, cursor = await front.store.after(None, VerdictFilter(), 1)
        outcome = await front.cases.reviewing.decide(case.id, "m-1", said)
        assert {verdict.post for verdict in outcome.verdicts} == {first.key, twin.key}
        followed, _ = await front.store.after(cursor, VerdictFilter(), 10)
        assert [verdict.source for verdict in followed] == [Source.MODERATOR] * 2
        appeal = await front.cases.appealing.open(first.name, "My shop is real")
        milder = Ruled(decision=Decision.ALLOW, **_reason(front), rationale="It is", scope=Scope.POST)
        upheld, _ = await front.cases.appealing.decide(appeal.id, "m-2", AppealState.UPHELD, milder)
        assert upheld.state is AppealState.UPHELD
        decisions = [(await front.store.latest(post.name)).decision for post in (first, twin)]
        assert decisions == [Decision.ALLOW, Decision.BLOCK]


def _reason(front: Front) -> dict[str, Any]:
    """A reason of the policy that decides."""
    return {"reason": front.services.policies.current.routing.reasons[0].name}
