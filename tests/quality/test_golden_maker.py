"""Golden items out of cases."""

from dataclasses import replace

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.errors import InvalidInput, NotFound
from service.policy.routing import Routing
from service.quality.golden_maker import GoldenMaker
from service.quality.krippendorff import alpha
from service.quality.measures import Quality
from service.quality.opinions import Answer
from service.quality.sql.store import SqlQuality
from service.records.sql.store import SqlStore
from service.review.case import Case, CaseFilter, CaseKind, Ruled
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from tests.factories import post_of, verdict_of

FRAUD = Answer(Decision.BLOCK, frozenset({Category.FRAUD}))


@pytest.fixture
def maker(sqlite_store: SqlStore, quality: SqlQuality, review_store: SqlReview) -> GoldenMaker:
    return GoldenMaker(Quality(quality, quality, alpha), review_store, sqlite_store)


@pytest.fixture
async def case(sqlite_store: SqlStore, review_store: SqlReview) -> Case:
    """A case that nobody decided."""
    post = post_of("Send your PIN")
    asked = replace(verdict_of(post, sequence=0), ruling=Ruling(Decision.REVIEW, (Category.FRAUD,)))
    [verdict] = await sqlite_store.record([post], [asked])
    opened = case_for(post, verdict, Routing())
    await review_store.open_cases([opened])
    return opened


async def test_what_was_decided_is_the_answer(maker: GoldenMaker, review_store: SqlReview, case: Case) -> None:
    with pytest.raises(InvalidInput, match="not decided"):
        await maker.from_case(case.id, by="m-9")
    await review_store.lease("m-1", CaseFilter(), seconds=60)
    said = Ruled(decision=Decision.BLOCK, categories=(Category.FRAUD,))
    await review_store.decide(case.id, "m-1", said, seconds=1.0, opinion=False)
    item = await maker.from_case(case.id, by="m-9", note="plain")
    assert (item.answer, item.source, item.note) == (FRAUD, case.name, "plain")
    assert item.post.text == "Send your PIN"
    assert item.verdict is not None
    assert item.verdict.decision is Decision.REVIEW  # what the policy had said, not what a person made of it


async def test_another_answer_may_be_given(maker: GoldenMaker, case: Case) -> None:
    item = await maker.from_case(case.id, by="m-9", answer=FRAUD)
    assert item.answer == FRAUD


async def test_there_must_be_a_real_case(maker: GoldenMaker, review_store: SqlReview, case: Case) -> None:
    with pytest.raises(NotFound):
        await maker.from_case("nope", by="m-9")
    await review_store.open_cases([replace(case, id="g", kind=CaseKind.GOLDEN, subject="golden/g")])
    with pytest.raises(InvalidInput, match="golden one already"):
        await maker.from_case("g", by="m-9", answer=FRAUD)
