"""The use cases on a real store: versions, tests on pasted posts, promotion and the way back, budgets."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.errors import InvalidInput, NotAllowed, Outdated, PolicyInvalid, PolicyNotFound, RedisUnavailable
from service.policy.document import PolicyDocuments
from service.policy.governance.governing import LONGEST_DOCUMENT, Governing
from service.policy.governance.policy_version import PolicyAct
from service.policy.governance.ports import TextReader
from tests.policy.conftest import GovernanceParts

MakeDocument = Callable[..., str]


async def test_the_file_of_the_settings_is_live_and_kept(governing: Governing, governance: GovernanceParts) -> None:
    live = await governing.live()
    assert (live.document, live.author) == (governance.file, "system")
    assert await governing.versions() == [live] == [await governing.find(live.version)]
    assert await governing.enrol() == live
    assert [change.act for change in await governing.changes()] == [PolicyAct.CREATE]


async def test_a_document_is_one_version_however_often_it_is_made(
    governing: Governing, document_of: MakeDocument
) -> None:
    first = await governing.create(document_of(0.8), author="m-1", note="less hate")
    again = await governing.create("# with a comment\n" + document_of(0.8), author="m-2")
    assert again == first
    assert (first.title, first.author, first.note) == ("test", "m-1", "less hate")
    assert [version.version for version in await governing.versions()] == [first.version]


async def test_every_mistake_is_told_with_line_and_key(governing: Governing, document_of: MakeDocument) -> None:
    wrong = document_of(1.5, then="BLOK") + "harms: {HATE: 9}\n"
    mistakes = await governing.mistakes(wrong)
    assert [mistake.split(":")[0] for mistake in mistakes] == [
        "line 7, rules[0].when.signals.hate.at_least",
        "line 12, harms.HATE",
    ]
    assert await governing.mistakes(document_of()) == []
    with pytest.raises(PolicyInvalid, match="line 7"):
        await governing.create(wrong, author="m-1")
    assert await governing.versions() == []


@pytest.mark.parametrize("text", ["", "a: [", "x" * (LONGEST_DOCUMENT + 1), "- 1", "schema: 2\n"])
async def test_what_is_no_policy_is_refused(governing: Governing, text: str) -> None:
    assert await governing.mistakes(text)
    with pytest.raises(PolicyInvalid):
        await governing.create(text, author="m-1")


async def test_the_difference_in_words(governing: Governing, document_of: MakeDocument) -> None:
    made = await governing.create(document_of(0.8), author="m-1")
    live = await governing.live()
    assert [d.words for d in await governing.difference("", made.version)] == [
        "Rule hate: hate at least falls from 0.90 to 0.80."
    ]
    assert await governing.difference(made.version, made.version) == []
    assert await governing.difference(live.version, "") == []
    with pytest.raises(PolicyNotFound):
        await governing.difference("", "0123")


async def test_pasted_posts_are_read_and_decided_by_both(
    governing: Governing, document_of: MakeDocument, reading: TextReader
) -> None:
    posts = [Post(platform="try", id=str(n), text=text) for n, text in enumerate(("hate 0.95", "hate 0.85", "! 0"))]
    made = await governing.create(document_of(0.8), author="m-1")
    trials = await governing.test(made.version, posts, reading)
    assert [(t.live.decision, t.candidate.decision, t.differs) for t in trials] == [
        (Decision.REVIEW, Decision.REVIEW, False),
        (Decision.ALLOW, Decision.REVIEW, True),
        (Decision.REVIEW, Decision.REVIEW, False),
    ]
    assert trials[2].judgement is None
    assert await governing.test_document(document_of(0.8), posts, reading) == trials
    with pytest.raises(PolicyInvalid):
        await governing.test_document("name: x", posts, reading)


async def test_promoted_seen_and_taken_back(governing: Governing, document_of: MakeDocument) -> None:
    file = await governing.live()
    strict = await governing.create(document_of(0.8), author="m-1")
    stricter = await governing.create(document_of(0.7), author="m-1")
    await governing.promote(strict.version, actor="m-2", note="go", expected=file.version)
    with pytest.raises(Outdated, match=strict.version):
        await governing.promote(stricter.version, actor="m-3", expected=file.version)
    await governing.promote(stricter.version, actor="m-3", expected=strict.version)
    assert await governing.live() == stricter
    with pytest.raises(Outdated):
        await governing.roll_back(actor="m-2", expected=strict.version)
    await governing.roll_back(actor="m-2", note="too strict", expected=stricter.version)
    assert await governing.live() == strict
    await governing.roll_back(actor="m-2")
    assert await governing.live() == file
    acts = [(change.act, change.actor, change.note) for change in await governing.changes(limit=4)]
    assert acts == [
        (PolicyAct.ROLL_BACK, "m-2", ""),
        (PolicyAct.ROLL_BACK, "m-2", "too strict"),
        (PolicyAct.PROMOTE, "m-3", ""),
        (PolicyAct.PROMOTE, "m-2", "go"),
    ]


async def test_a_second_person_where_that_is_asked_for(governance: GovernanceParts, document_of: MakeDocument) -> None:
    governing = governance.governing(second_person=True)
    made = await governing.create(document_of(0.8), author="m-1")
    with pytest.raises(NotAllowed, match="m-1"):
        await governing.promote(made.version, actor="m-1")
    await governing.promote(made.version, actor="m-2")


async def test_what_rests_on_another_certificate_is_not_promoted(
    governance: GovernanceParts, document_of: MakeDocument
) -> None:
    governing = governance.governing()
    made = await governing.create(document_of(0.8), author="m-1")
    renamed = replace(made, version="f" * 32)  # as if a certificate had been part of its name
    await governance.policies.add_policy(renamed)
    with pytest.raises(PolicyInvalid, match="certificate"):
        await governing.promote(renamed.version, actor="m-2")


async def test_of_many_who_promote_at_once_one_does(governing: Governing, document_of: MakeDocument) -> None:
    file = await governing.live()
    made = [await governing.create(document_of(0.5 + n / 100), author="m-1") for n in range(10)]
    acts = [governing.promote(each.version, actor=f"m-{n}", expected=file.version) for n, each in enumerate(made)]
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Outdated"] * 9 + ["PolicyChange"]
    [winner] = [each for each in done if not isinstance(each, BaseException)]
    assert (await governing.live()).version == winner.version


async def test_the_breaker_is_closed_by_a_person_and_that_is_kept(
    governance: GovernanceParts, governing: Governing, document_of: MakeDocument, reader: PolicyDocuments
) -> None:
    assert (await governing.budget()).limit == 1000
    acting = reader.policy(document_of(0.5, then="REDUCE", budget=2))
    posts = [Post(platform="x", id=str(n), text="t") for n in range(3)]
    rulings = [Ruling(Decision.REDUCE, (Category.HATE,), ("hate",)) for _ in posts]
    kept = await governance.budget.within(acting, posts, rulings)
    assert [each.decision for each in kept] == [Decision.REDUCE] * 2 + [Decision.REVIEW]
    assert kept[2].rules == ("hate.over_budget",)
    assert governance.told.breakers == [2]
    state = await governing.close_breaker(actor="m-9", note="a wave of spam, all right")
    assert (state.spent, state.granted, state.limit, state.opened_at) == (2, 2, 1002, None)
    with pytest.raises(Outdated, match="not open"):
        await governing.close_breaker(actor="m-9")
    [change] = await governing.changes(limit=1)
    assert (change.act, change.actor) == (PolicyAct.CLOSE_BREAKER, "m-9")


async def test_a_process_without_redis_says_so(governance: GovernanceParts) -> None:
    with pytest.raises(RedisUnavailable):
        await governance.governing(budget=None).budget()


async def test_notes_have_a_limit(governing: Governing, document_of: MakeDocument) -> None:
    with pytest.raises(InvalidInput, match="note"):
        await governing.create(document_of(), author="m-1", note="x" * 1_025)
