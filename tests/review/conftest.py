"""Review over a record store in SQLite, with use cases whose refreshing is looked at."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from service.domain.decision import Category
from service.domain.post import Surface
from service.domain.verdict import Verdict
from service.errors import RedisUnavailable
from service.policy.routing import Reason, Route, Routing
from service.records.sql.store import SqlStore
from service.review.reviewing import Reviewing
from tests.fixtures.review import Reviewed, review_on

ROUTING = Routing(
    routes=(
        Route(queue="ads", surfaces=frozenset({Surface.AD})),
        Route(queue="grave", least_severity=4),
        Route(queue="german", languages=frozenset({"de"})),
    ),
    reasons=(
        Reason(name="scam", text="It is a scam.", category=Category.FRAUD),
        Reason(name="other", text="Another rule.", needs_rationale=True),
        Reason(name="fine", text="Nothing is wrong with it."),
    ),
)


@dataclass
class Told:
    """Cache, announcer and observer: what they were told. `away` makes the first two fail."""

    cached: list[Verdict] = field(default_factory=list)
    announced: int = 0
    failures: list[str] = field(default_factory=list)
    away: bool = False

    async def put(self, verdicts: Sequence[Verdict]) -> None:
        self._fail()
        self.cached += verdicts

    async def announce(self) -> None:
        self._fail()
        self.announced += 1

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append(where)

    def _fail(self) -> None:
        if self.away:
            raise RedisUnavailable("Redis is away")


@pytest.fixture
async def reviewed(sqlite_url: str) -> AsyncIterator[Reviewed]:
    """A record store in SQLite with review beside it, and a clock of its own."""
    reviewed = await review_on(SqlStore.connect, sqlite_url)
    yield reviewed
    await reviewed.store.close()


@pytest.fixture
def told() -> Told:
    """What was told."""
    return Told()


@pytest.fixture
def routing() -> Routing:
    """A policy's routing with three queues and three reasons."""
    return ROUTING


@pytest.fixture
def reviewing(reviewed: Reviewed, told: Told, routing: Routing) -> Reviewing:
    """The use cases."""
    return Reviewing(
        reviewed.review,
        reviewed.review,
        reviewed.review,
        reviewed.store,
        routing=lambda: routing,
        observer=told,
        cache=told,
        announcer=told,
    )
