"""The use cases of review: what is checked, what is shown to whom, and that caches and watchers learn of it."""

import pytest

from service.domain.decision import Category, Decision
from service.errors import InvalidInput, NotAllowed, NotDecided, NotHeld
from service.policy.routing import Routing
from service.review.bulk import BulkDecision
from service.review.case import SECOND_OPINIONS, CaseFilter, CaseKind, Ruled, author_name
from service.review.checking import checked
from service.review.opening import case_for
from service.review.reviewing import Reviewing, undisguised
from tests.fixtures.review import ANY, Reviewed, ruled, twins
from tests.review.conftest import Told

BLOCK, ALLOW = Decision.BLOCK, Decision.ALLOW


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Ruled(decision=Decision.REVIEW, reason="scam"), "decision"),
        (Ruled(decision=BLOCK), "reason"),
        (Ruled(decision=BLOCK, reason="unknown"), "reason"),
        (Ruled(decision=BLOCK, reason="fine"), "categories"),
        (Ruled(decision=BLOCK, reason="other", categories=(Category.HATE,)), "rationale"),
        (Ruled(decision=BLOCK, reason="other", categories=(Category.HATE,), rationale=" "), "rationale"),
    ],
)
def test_what_is_no_decision(routing: Routing, said: Ruled, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(said, routing)
    assert caught.value.field == field


def test_a_reason_stands_for_its_category(routing: Routing) -> None:
    assert checked(Ruled(decision=BLOCK, reason="scam"), routing).categories == (Category.FRAUD,)
    assert checked(Ruled(decision=ALLOW, reason="fine"), routing).categories == ()
    twice = Ruled(decision=BLOCK, reason="scam", categories=(Category.HATE, Category.HATE))
    assert checked(twice, routing).categories == (Category.HATE,)


def test_where_the_policy_names_no_reasons_any_will_do() -> None:
    assert checked(ruled(reason="house rule 7"), Routing()).reason == "house rule 7"
    with pytest.raises(InvalidInput, match="for which rule"):
        checked(ruled(reason=""), Routing())


async def test_queues_in_the_policys_order(reviewed: Reviewed, reviewing: Reviewing) -> None:
    await reviewed.open(twins(count=2), queue="german")
    await reviewed.open(twins("b", 1, start=5), queue="appeals")
    assert [(state.queue, state.open) for state in await reviewing.queues()] == [
        ("ads", 0),
        ("grave", 0),
        ("german", 2),
        ("general", 0),
        ("appeals", 1),
    ]


async def test_one_is_leased_ahead_while_enough_wait_for_others(reviewed: Reviewed, reviewing: Reviewing) -> None:
    await reviewed.open([post for number in range(8) for post in twins(f"Text {number}", 1, number)])
    [mine] = await reviewing.lease("m-1")
    ahead = await reviewing.lease_ahead("m-1", ANY, mine.id)
    assert ahead
    assert ahead.id != mine.id
    assert await reviewing.lease_ahead("m-1", ANY, mine.id) == ahead
    [theirs] = await reviewing.lease("m-2")
    assert theirs.id not in {mine.id, ahead.id}
    assert await reviewing.lease_ahead("m-2", ANY, theirs.id) is None
    await reviewing.decide(mine.id, "m-1", ruled())
    assert [each.id for each in await reviewing.lease("m-1")] == [ahead.id]


async def test_caches_and_watchers_learn_of_it(reviewed: Reviewed, reviewing: Reviewing, told: Told) -> None:
    posts = twins()
    [case, *_] = await reviewed.open(posts)
    await reviewing.lease("m-1", CaseFilter(post=case.post.name))
    outcome = await reviewing.decide(case.id, "m-1", ruled())
    assert tuple(told.cached) == outcome.verdicts
    assert told.announced == 1
    told.away = True
    undone = await reviewing.undo("m-1")
    assert len(undone.verdicts) == 3
    assert told.failures == ["cache", "announce"]


async def test_what_is_seen_of_a_case(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    [case] = await reviewed.open([post], author="a1")
    await reviewing.add_note(author_name(post.name, "a1"), "m-2", "an old friend")
    await reviewing.add_note(post.name, "m-2", "seen before")
    await reviewing.lease("m-1")
    await reviewing.decide(case.id, "m-1", ruled())
    view = await reviewing.look(case.id, "m-3")
    assert view.post == post
    assert view.verdict
    assert view.verdict.decision is Decision.REVIEW
    assert [decision.moderator for decision in view.decisions] == ["m-1"]
    assert [note.text for note in view.notes] == ["seen before", "an old friend"]


async def test_a_blind_case_shows_nothing_of_others(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    [case] = await reviewed.open([post])
    await reviewing.add_note(case.name, "m-1", "I think that it is a scam")
    await reviewed.decided(case, "m-1", ruled())
    golden = case_for(post, reviewed.asking(post), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
    await reviewed.review.open_cases([golden])
    [leased] = await reviewing.lease("m-2")
    assert (leased.kind, leased.subject) == (CaseKind.REVIEW, "")
    view = await reviewing.look(leased.id, "m-2")
    assert (view.case.kind, view.decisions, view.notes) == (CaseKind.REVIEW, (), ())
    assert view.verdict
    assert view.verdict.decision is Decision.REVIEW
    asked = await reviewing.second_opinion(leased.id, "m-2", ruled())
    assert asked.case
    assert asked.case.kind is CaseKind.REVIEW


async def test_who_asked_for_a_second_opinion_waits(reviewed: Reviewed, reviewing: Reviewing) -> None:
    await reviewed.open(twins(count=1))
    [case] = await reviewing.lease("m-1")
    await reviewing.second_opinion(case.id, "m-1", ruled())
    [asked] = await reviewing.lease("m-2")
    with pytest.raises(NotAllowed):
        await reviewing.look(asked.id, "m-1")
    with pytest.raises(InvalidInput, match="second opinion already"):
        await reviewing.second_opinion(asked.id, "m-2", ruled())
    assert (await reviewing.look(asked.id, "m-2")).decisions == ()
    await reviewing.decide(asked.id, "m-2", ruled())
    assert len((await reviewing.look(asked.id, "m-1")).decisions) == 2


async def test_a_blind_case_is_for_its_holder_with_their_own_notes(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    golden = case_for(post, reviewed.asking(post), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
    await reviewed.store.record([post], [reviewed.asking(post)])
    await reviewed.review.open_cases([golden])
    with pytest.raises(NotAllowed, match="lease it"):
        await reviewing.look(golden.id, "m-2")
    await reviewing.lease("m-2")
    await reviewing.add_note(golden.name, "m-2", "ask about the shop")
    await reviewing.add_note(golden.name, "m-3", "it is a scam")
    assert [note.text for note in (await reviewing.look(golden.id, "m-2")).notes] == ["ask about the shop"]


async def test_a_golden_case_is_answered_like_any_other(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    golden = case_for(post, reviewed.asking(post), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
    await reviewed.review.open_cases([golden])
    await reviewing.lease("m-1")
    for _ in range(2):  # called again, too
        made = (await reviewing.decide(golden.id, "m-1", ruled())).decision
        assert (made.kind, made.subject, made.applied, made.posts) == (CaseKind.REVIEW, "", True, 1)
    [seen] = (await reviewing.look(golden.id, "m-1")).decisions
    assert (seen.kind, seen.applied, seen.posts) == (CaseKind.REVIEW, True, 1)


async def test_a_lead_decides_a_post_again(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    with pytest.raises(NotDecided):
        await reviewing.reopen(post.name, "m-9")
    [case] = await reviewed.open([post])
    with pytest.raises(NotDecided, match="waits for a person"):
        await reviewing.reopen(post.name, "m-9")
    await reviewed.decided(case, "m-1", ruled())
    reviewed.clock.time += 86_400
    opened = await reviewing.reopen(post.name, "m-9")
    assert (opened.holder, opened.queue, opened.blind) == ("m-9", SECOND_OPINIONS, False)
    assert (await reviewing.reopen(post.name, "m-9")).id == opened.id
    with pytest.raises(NotHeld, match="m-9 holds it"):
        await reviewing.reopen(post.name, "m-8")
    assert [each.moderator for each in (await reviewing.look(opened.id, "m-9")).decisions] == ["m-1"]
    made = await reviewing.decide(opened.id, "m-9", ruled(ALLOW, reason="fine"))
    assert made.decision.applied
    assert [verdict.decision for verdict in await reviewing.history(post.name)] == [Decision.REVIEW, BLOCK, ALLOW]
    first = await reviewed.review.first_verdict(post.name, post.fingerprint)
    assert first
    assert (first.decision, first.revision) == (Decision.REVIEW, 0)
    assert (await reviewing.reopen(post.name, "m-8")).id != opened.id
    assert await reviewing.history("platforms/x/posts/none") == []


async def test_deciding_an_appeal_asks_for_a_rationale(reviewed: Reviewed, reviewing: Reviewing) -> None:
    [post] = twins(count=1)
    await reviewed.store.record([post], [reviewed.asking(post, BLOCK)])
    case = case_for(post, await reviewed.current(post), Routing(), kind=CaseKind.APPEAL, subject="appeals/1")
    await reviewed.review.open_cases([case])
    await reviewing.lease("m-1")
    with pytest.raises(InvalidInput) as caught:
        await reviewing.decide(case.id, "m-1", ruled(ALLOW, reason="fine"))
    assert caught.value.field == "rationale"


@pytest.mark.parametrize("moderator", ["", "two words", "a|b", "x" * 129, "Ü"])
async def test_who_is_nobody(reviewing: Reviewing, moderator: str) -> None:
    for call in (
        reviewing.lease(moderator),
        reviewing.undo(moderator),
        reviewing.add_note("cases/1", moderator, "x"),
        reviewing.preview(BulkDecision(cluster="c", moderator=moderator, ruled=ruled())),
    ):
        with pytest.raises(InvalidInput) as caught:
            await call
        assert caught.value.field == "moderator"


def test_nobody_can_ask_for_golden_cases() -> None:
    assert undisguised(CaseFilter()).kinds == ()
    both = {CaseKind.REVIEW, CaseKind.GOLDEN, CaseKind.PREVALENCE}
    assert set(undisguised(CaseFilter(kinds=(CaseKind.REVIEW,))).kinds) == both
    assert set(undisguised(CaseFilter(kinds=(CaseKind.GOLDEN,))).kinds) == both
    assert undisguised(CaseFilter(kinds=(CaseKind.APPEAL, CaseKind.GOLDEN))).kinds == (CaseKind.APPEAL,)
