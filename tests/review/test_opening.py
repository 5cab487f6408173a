"""Cases open by themselves: the follower's handle, told of verdicts once or again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from service.domain.codec import encode_post
from service.domain.decision import Category, Decision
from service.domain.post import NO_CONTEXT, Context, Post, Surface
from service.domain.verdict import Source, VerdictFilter
from service.policy.routing import GENERAL, Routing
from service.records.followers import Follower
from service.review.case import Case, CaseFilter, CaseKind, CaseState
from service.review.opening import CaseOpening, case_for
from service.storage.tables.records import POSTS
from tests.fixtures.review import Reviewed, ruled, twins
from tests.review.conftest import Told

ALL = CaseFilter()
REVIEW, LABEL, BLOCK = Decision.REVIEW, Decision.LABEL, Decision.BLOCK
Follow = Callable[[], Awaitable[list[Case]]]


@pytest.fixture
def follow(reviewed: Reviewed, told: Told, routing: Routing) -> Follow:
    """Lets the follower catch up; gives all cases."""
    opening = CaseOpening(
        reviewed.review, reviewed.store, cache=told, announcer=told, routing=lambda: routing, observer=told
    )
    announcer: Any = told  # nobody waits for it here
    follower = Follower("cases", reviewed.store, announcer, opening.handle, told)

    async def catch_up() -> list[Case]:
        while await follower.step():
            pass
        return await reviewed.review.cases(ALL, after="", limit=100)

    return catch_up


async def test_whatever_the_policy_asks_about_is_a_case(reviewed: Reviewed, follow: Follow) -> None:
    posts = [post for n in range(4) for post in twins(f"Text {n}", 1, start=n)]
    verdicts = [
        reviewed.asking(post, decision) for post, decision in zip(posts, (REVIEW, LABEL, REVIEW, BLOCK), strict=True)
    ]
    verdicts[2] = replace(verdicts[2], judgement=None, source=Source.SET_ASIDE)
    await reviewed.store.record(posts, verdicts)
    cases = await follow()
    assert {case.post for case in cases} == {posts[0].key, posts[2].key}
    assert await follow() == cases
    assert {case.kind for case in cases} == {CaseKind.REVIEW}


async def test_a_verdict_told_again_opens_none(
    reviewed: Reviewed, follow: Follow, told: Told, routing: Routing
) -> None:
    posts = twins(count=3)
    await reviewed.store.record(posts, [reviewed.asking(post) for post in posts])
    cases = await follow()
    verdicts, _ = await reviewed.store.after(0, VerdictFilter(), 10)
    opening = CaseOpening(
        reviewed.review, reviewed.store, cache=told, announcer=told, routing=lambda: routing, observer=told
    )
    await opening.handle(verdicts)
    assert await follow() == cases


async def test_it_goes_to_the_queue_that_the_routing_says(reviewed: Reviewed, follow: Follow) -> None:
    def post(number: int, **fields: Any) -> Post:
        return Post(platform="x", id=str(number), text=f"Text {number}", **fields)

    posts = [post(1, surface=Surface.AD, locale="de"), post(2, locale="de-AT"), post(3), post(4)]
    found = [Category.FRAUD, Category.FRAUD, Category.CBRN, Category.FRAUD]
    verdicts = [reviewed.asking(post, REVIEW, category) for post, category in zip(posts, found, strict=True)]
    await reviewed.store.record(posts, verdicts)
    queues = {case.post.name: (case.queue, case.severity) for case in await follow()}
    assert list(dict(sorted(queues.items())).values()) == [("ads", 3), ("german", 3), ("grave", 5), (GENERAL, 3)]


async def test_harm_and_reach_make_urgent(reviewed: Reviewed, follow: Follow) -> None:
    few, many = (
        Post(platform="x", id=str(views), text=f"Seen {views} times", metadata={"views": str(views)})
        for views in (10, 1_000_000)
    )
    await reviewed.store.record([few, many], [reviewed.asking(few), reviewed.asking(many)])
    assert [case.post for case in await follow()] == [many.key, few.key]


async def test_an_edit_closes_the_older_case(reviewed: Reviewed, follow: Follow) -> None:
    [post] = twins(count=1)
    await reviewed.store.record([post], [reviewed.asking(post)])
    await follow()
    edited = replace(post, text="Nothing to see")
    await reviewed.store.record([edited], [reviewed.asking(edited, LABEL)])
    [closed] = await follow()
    assert closed.state is CaseState.CLOSED


async def test_a_text_that_is_decided_needs_no_case(reviewed: Reviewed, follow: Follow, told: Told) -> None:
    first, later = twins(count=2)
    await reviewed.store.record([first], [reviewed.asking(first)])
    [case] = await follow()
    await reviewed.decided(case, "m-1", ruled(BLOCK))
    await reviewed.store.record([later], [reviewed.asking(later)])
    cases = await follow()
    assert [each.id for each in cases] == [case.id]
    assert (await reviewed.current(later)).decision is BLOCK
    assert {verdict.post for verdict in told.cached} == {first.key, later.key}
    assert told.announced == 1


async def test_after_an_undo_there_is_one_case_still(reviewed: Reviewed, follow: Follow) -> None:
    [post] = twins(count=1)
    await reviewed.store.record([post], [reviewed.asking(post)])
    [case] = await follow()
    await reviewed.decided(case, "m-1", ruled(BLOCK))
    await reviewed.undo("m-1")
    assert [(each.id, each.state) for each in await follow()] == [(case.id, CaseState.OPEN)]


async def test_a_post_that_came_meanwhile_is_a_case_after_an_undo(reviewed: Reviewed, follow: Follow) -> None:
    first, later = twins(count=2)
    await reviewed.store.record([first], [reviewed.asking(first)])
    [case] = await follow()
    await reviewed.decided(case, "m-1", ruled(BLOCK))
    await reviewed.store.record([later], [reviewed.asking(later)])
    assert len(await follow()) == 1
    await reviewed.undo("m-1")
    assert {(each.post, each.state) for each in await follow()} == {
        (first.key, CaseState.OPEN),
        (later.key, CaseState.OPEN),
    }


async def test_while_redis_is_away_cases_open_all_the_same(reviewed: Reviewed, follow: Follow, told: Told) -> None:
    posts = twins(count=2)
    [case, _] = await reviewed.open(posts)
    await reviewed.decided(case, "m-1", ruled(BLOCK))
    told.away = True
    assert len(await follow()) == 2
    assert "cache" in told.failures


async def test_an_edit_taken_back_waits_again(reviewed: Reviewed, follow: Follow, told: Told, routing: Routing) -> None:
    [post] = twins(count=1)
    await reviewed.store.record([post], [reviewed.asking(post)])
    edited = replace(post, text="Edited")
    await follow()
    await reviewed.store.record([edited], [reviewed.asking(edited, LABEL)])
    assert [case.state for case in await follow()] == [CaseState.CLOSED]
    await reviewed.store.accept([post])
    opening = CaseOpening(
        reviewed.review, reviewed.store, cache=told, announcer=told, routing=lambda: routing, observer=told
    )
    await opening.sweep()
    assert [case.state for case in await follow()] == [CaseState.OPEN]


async def test_a_case_is_about_the_version_that_the_verdict_names(reviewed: Reviewed, follow: Follow) -> None:
    post = Post(platform="x", id="1", text="Yes", context=Context(parent_text="Is it true?"))
    await reviewed.store.record([post], [reviewed.asking(post)])
    async with reviewed.store.write() as tx:  # as an erasure of who asked does
        await tx.execute(update(POSTS).values(body=encode_post(replace(post, context=NO_CONTEXT))))
    [case] = await follow()
    assert (case.post, case.content_digest) == (post.key, post.content_digest)


def test_a_case_names_what_it_is_about(reviewed: Reviewed, routing: Routing) -> None:
    [post] = twins(count=1)
    verdict = reviewed.asking(post)
    case = case_for(
        post, verdict, routing, kind=CaseKind.APPEAL, queue="appeals", subject="appeals/1", barred=("", "m-1")
    )
    assert (case.queue, case.subject, case.barred) == ("appeals", "appeals/1", frozenset({"m-1"}))
    assert case.name == f"cases/{case.id}"
