"""Opinions, verdicts and a quality store on SQLite."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.decision import Category, Decision
from service.quality.opinions import Answer, Opinion
from service.quality.sql.store import SqlQuality
from service.records.sql.store import SqlStore
from service.review.case import CaseKind
from service.review.sql.store import SqlReview
from tests.fixtures.review import Reviewed

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def answer_of() -> Callable[..., Answer]:
    """Makes an answer of a decision and categories."""

    def make(decision: str, *categories: str) -> Answer:
        return Answer(Decision(decision), frozenset(map(Category, categories)))

    return make


@pytest.fixture
def opinion_of() -> Callable[..., Opinion]:
    """Makes an opinion; each is a minute later than the one before."""
    made = [0]

    def make(answer: Answer, **fields: Any) -> Opinion:
        made[0] += 1
        usual: dict[str, Any] = {
            "kind": CaseKind.REVIEW,
            "post": f"k{made[0]}",
            "content_digest": f"d{made[0]}",
            "moderator": "m-1",
            "decided_at": START + timedelta(minutes=made[0]),
        }
        return Opinion(answer=answer, **usual | fields)

    return make


@pytest.fixture
def quality(sqlite_store: SqlStore) -> SqlQuality:
    """What quality keeps in it."""
    return SqlQuality.beside(sqlite_store)


@pytest.fixture
def review_store(sqlite_store: SqlStore) -> SqlReview:
    """The cases in it."""
    return SqlReview.beside(sqlite_store)


@pytest.fixture
def sql_quality(sql_reviewed: Reviewed) -> SqlQuality:
    """What quality keeps beside `sql_reviewed`, on each database."""
    return SqlQuality.beside(sql_reviewed.store)
