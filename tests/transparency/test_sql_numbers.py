"""What was decided, told apart by who decided and what stood before, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, insert

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.records.sql.store import SqlStore
from service.review.appeal import Appeal, AppealState
from service.review.sql.rows import appeal_row
from service.storage.tables.review import APPEALS, CASES
from service.transparency.decided import DecidedBy
from service.transparency.numbers import Contested, Tally
from service.transparency.restriction import Restriction
from service.transparency.sql.numbers import SqlNumbers
from tests.factories import verdict_of
from tests.fixtures.sql import OpenSql

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MISLEADING = (Category.MISINFORMATION,)


class Recorded:
    """A store with decisions of policy and people."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.numbers = store, SqlNumbers.beside(store)

    async def by_policy(self, decision: Decision, number: int = 1, at: datetime = AT, **fields: Any) -> Verdict:
        post = Post(**{"platform": "x", "id": str(number), "text": f"t {number}", "locale": "de-AT", **fields})
        verdict = replace(verdict_of(post), decided_at=at, ruling=Ruling(decision, MISLEADING, ("misleading",)))
        return (await self.store.record([post], [verdict]))[0]

    async def by_person(self, verdict: Verdict, decision: Decision, case: str, at: datetime = AT + HOUR) -> Verdict:
        ruling = Ruling(decision, (), ("moderator",), "satire", f"cases/{case}")
        return (await self.store.revise([replace(verdict, ruling=ruling, source=Source.MODERATOR, decided_at=at)]))[0]

    async def write(self, table: Any, **values: Any) -> None:
        columns = [c for c in table.c if not (c.nullable or c.primary_key or c.server_default)]
        needed = {c.name: [] if isinstance(c.type, JSON) else c.type.python_type() for c in columns}
        async with self.store.write() as tx:
            await tx.execute(insert(table).values({**needed, **values}))

    async def restrictions(self, start: datetime = AT - DAY, end: datetime = AT + DAY) -> list[Restriction]:
        return [each async for each in self.numbers.restrictions(start, end)]


@pytest.fixture
async def recorded(sql_url: str, open_sql: OpenSql) -> Recorded:
    return Recorded(await open_sql(sql_url))


async def test_what_a_person_decided_on_a_post_and_what_was_carried_over(recorded: Recorded) -> None:
    own, twin = await recorded.by_policy(Decision.REVIEW, 1), await recorded.by_policy(Decision.REVIEW, 2)
    await recorded.write(CASES, id="c1", kind="REVIEW", key="k", name=own.post.name)
    await recorded.by_person(own, Decision.BLOCK, "c1")
    await recorded.by_person(twin, Decision.BLOCK, "c1")
    counted = await recorded.numbers.counted(AT - DAY, AT + DAY)
    same = {"surface": "feed", "language": "de", "region": ""}
    flagged = frozenset(MISLEADING)
    asked = Tally(Decision.REVIEW, None, DecidedBy.POLICY, flagged, frozenset(), **same)
    blocked = Tally(Decision.BLOCK, Decision.REVIEW, DecidedBy.PERSON, frozenset(), flagged, **same)
    assert counted == {asked: 2, blocked: 1, blocked._replace(decided_by=DecidedBy.CARRIED): 1}


async def test_restrictions_with_all_that_a_statement_needs(recorded: Recorded) -> None:
    await recorded.by_policy(Decision.ALLOW, 1)
    await recorded.by_policy(Decision.REVIEW, 2)
    labelled = await recorded.by_policy(Decision.LABEL, 3, created_at=AT - DAY)
    blocked = await recorded.by_person(labelled, Decision.BLOCK, "c1")
    await recorded.by_person(blocked, Decision.BLOCK, "c2")  # said again: no new restriction
    await recorded.by_person(blocked, Decision.ALLOW, "c3")
    first, second = await recorded.restrictions()
    assert (first.sequence, first.decision, first.before, first.decided_by) == (
        labelled.sequence,
        Decision.LABEL,
        None,
        DecidedBy.POLICY,
    )
    assert (first.post.key, first.post.created_at, first.rules) == (labelled.post, AT - DAY, ("misleading",))
    assert (first.policy_version, first.model_version, first.categories) == ("p1", "m1", MISLEADING)
    assert (second.decision, second.before, second.reason) == (Decision.BLOCK, Decision.LABEL, "satire")


async def test_only_what_was_decided_in_the_time(recorded: Recorded) -> None:
    for number, at in enumerate([AT - HOUR, AT, AT + HOUR]):
        await recorded.by_policy(Decision.LABEL, number, at)
    assert [each.decided_at for each in await recorded.restrictions(AT, AT + HOUR)] == [AT]
    assert sum((await recorded.numbers.counted(AT, AT + 2 * HOUR)).values()) == 2


async def test_many_are_streamed(recorded: Recorded) -> None:
    posts = [Post(platform="x", id=f"{n}", text=f"t {n}") for n in range(2500)]
    verdicts = [replace(verdict_of(post), decided_at=AT, ruling=Ruling(Decision.LABEL)) for post in posts]
    await recorded.store.record(posts, verdicts)
    found = [each async for each in recorded.numbers.restrictions(AT, AT + HOUR)]
    assert [each.post for each in found] == posts


async def test_a_reader_that_stops_early_gives_its_connection_back(recorded: Recorded) -> None:
    for number in range(20):
        await recorded.by_policy(Decision.LABEL, number)
    for _ in range(20):  # more often than there are connections
        stream = recorded.numbers.restrictions(AT - DAY, AT + DAY)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
    assert len(await recorded.restrictions()) == 20


async def test_appeals(recorded: Recorded) -> None:
    def appeal(number: int, state: str, decided_at: datetime | None, **fields: Any) -> dict[str, Any]:
        post = Post(platform="x", id=str(number), text="t")
        usual: dict[str, Any] = {
            "post": post.key,
            "content_digest": "",
            "contested": Decision.BLOCK,
            "contested_at": AT,
        }
        told: dict[str, Any] = {
            "state": AppealState(state),
            "opened_at": AT,
            "decided_at": decided_at,
            "statement": "No.",
            **fields,
        }
        return appeal_row(Appeal(id=f"a{number}", sequence=number, **usual, **told))

    for row in [
        appeal(1, "UPHELD", AT + 2 * HOUR),
        appeal(2, "REJECTED", AT + 4 * HOUR),
        appeal(3, "UPHELD", AT + 6 * HOUR, first_decider="m-1"),
        appeal(4, "OPEN", None),
        appeal(5, "UPHELD", AT + 3 * DAY),
        appeal(6, "UPHELD", AT - HOUR, opened_at=AT - 3 * DAY),
    ]:
        await recorded.write(APPEALS, **row)
    found = await recorded.numbers.appeals(AT, AT + DAY)
    assert (found.opened, found.waiting, found.hours) == (5, 2, 4.0)
    assert found.against_policy == Contested(upheld=1, rejected=1)
    assert found.against_people == Contested(upheld=1, rejected=0)
