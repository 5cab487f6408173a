"""Governing on a real record store (SQLite), with a classifier that finds hate where a text says so."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.judgement import Judgement, Signal
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, verdict_on
from service.policy.budget import Budget
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import Governing, PolicyParts
from service.policy.governance.live import LivePolicy
from service.policy.policy import Policy
from service.policy.sql.shadow import SqlShadow
from service.policy.sql.versions import SqlPolicies
from service.records.sql.store import SqlStore
from tests.fakes.budget import MemoryBudget

READER = PolicyDocuments(None)
DOCUMENT = """\
schema: 1
name: {name}
description: For tests.
defaults: {{abstained: ALLOW, set_aside: REVIEW}}
rules:
  - name: hate
    when: {{signals: {{hate: {{at_least: {threshold}}}}}, words: {{at_least: 20}}}}
    then: {then}
    category: HATE
    reason: Looks hateful.
budget: {{automatic_actions_per_day: {budget}}}
"""


def document(threshold: float = 0.9, *, name: str = "test", then: str = "REVIEW", budget: int = 1000) -> str:
    return DOCUMENT.format(threshold=threshold, name=name, then=then, budget=budget)


def judgement_of(post: Post, hate: float, *, words: int = 30) -> Judgement:
    signal = Signal("hate", hate, 0.0, hate, hate)
    return Judgement(content_digest=post.content_digest, model_version="m1", signals={"hate": signal}, words=words)


@dataclass
class Upheld:
    """An `UpheldAppeals` that knows some posts."""

    posts: set[str] = field(default_factory=set)

    async def upheld(self, posts: Collection[str]) -> set[str]:
        return self.posts & set(posts)


class Reading:
    """Reads texts such as `hate 0.95`; one that says `!` stops the model."""

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        return [None if "!" in post.text else judgement_of(post, float(post.text.split()[1])) for post in posts]


@dataclass
class Told:
    """An observer that remembers."""

    policies: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    breakers: list[int] = field(default_factory=list)

    def took_up(self, policy: Policy) -> None:
        self.policies.append(policy.version)

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append(error)

    def breaker_opened(self, limit: int) -> None:
        self.breakers.append(limit)


@dataclass
class GovernanceParts:
    """A record store and what governs on it."""

    store: SqlStore
    appeals: Upheld = field(default_factory=Upheld)
    told: Told = field(default_factory=Told)
    file: str = field(default_factory=document)

    def __post_init__(self) -> None:
        self.policies, self.rulings = SqlPolicies.beside(self.store), SqlShadow.beside(self.store)
        self.live = LivePolicy(READER.policy(self.file))
        self.budget = Budget(MemoryBudget(), self.told)

    def governing(self, **fields: Any) -> Governing:
        parts = PolicyParts(
            store=self.policies,
            records=self.store,
            rulings=self.rulings,
            appeals=self.appeals,
            reader=READER,
            file=self.file,
            budget=self.budget,
        )
        return Governing(replace(parts, **fields))

    async def record(self, scores: Sequence[float], *, age: timedelta = timedelta(0), start: int = 0) -> list[Verdict]:
        """Posts that are hateful with these probabilities, decided by the file `age` ago."""
        posts = [Post(platform="x", id=str(start + n), text=f"text {start + n}") for n in range(len(scores))]
        policy = READER.policy(self.file)
        verdicts = []
        for post, score in zip(posts, scores, strict=True):
            judgement = judgement_of(post, score)
            ruling = policy.decide(post, judgement)
            verdict = verdict_on(post, ruling, policy_version=policy.version, source=Source.MODEL, judgement=judgement)
            verdicts.append(replace(verdict, decided_at=datetime.now(UTC) - age))
        return await self.store.record(posts, verdicts)


@pytest.fixture
def governance(sqlite_store: SqlStore) -> GovernanceParts:
    return GovernanceParts(sqlite_store)


@pytest.fixture
def governing(governance: GovernanceParts) -> Governing:
    return governance.governing()


@pytest.fixture(scope="session")
def document_of() -> Callable[..., str]:
    """Makes a policy document: hate from a threshold on."""
    return document


@pytest.fixture(scope="session")
def reader() -> PolicyDocuments:
    return READER


@pytest.fixture
def reading() -> Reading:
    return Reading()
