"""Which decision holds for a post: for it alone or by its text, the newest, and what holds again after an undo."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.decision import Category, Decision, Ruling, Standing, standing_for
from service.domain.post import Post, PostKey
from service.domain.verdict import Source, Verdict
from service.policy.policy import MODERATOR, ruling_by
from service.records.standings import holding
from service.review.case import CaseDecision, Scope
from service.review.precedence import (
    Misruled,
    out_of_line,
    restored,
    revised_by,
    ruled,
    standing_on,
    standings_by,
    taken_back,
    what_stood,
)
from tests.factories import verdict_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, THREE = (f"platforms/x/posts/{number}" for number in (1, 2, 3))
TEXT = "t1"

MakeVerdict = Callable[..., Verdict]


def held(post: str = "", case: str = "cases/c1", decision: Decision = Decision.BLOCK) -> Standing:
    """What somebody decided: on the text, or on the post of that name alone."""
    return Standing(post, decision, (Category.FRAUD,), "scam", case)


def decided(scope: Scope = Scope.TEXT, about: str = "cases/c1", **fields: Any) -> CaseDecision:
    """A decision on the first post, which carries the text."""
    made = CaseDecision(
        id="d1",
        about=about,
        post=PostKey(ONE, "f1"),
        content_digest=TEXT,
        moderator="m-1",
        decision=Decision.BLOCK,
        categories=(Category.FRAUD,),
        reason="scam",
        scope=scope,
        decided_at=NOW,
    )
    return replace(made, **fields)


@pytest.fixture
def said() -> MakeVerdict:
    """Makes a verdict on the post of that name that carries the text, resting on `case`."""

    def make(name: str = ONE, case: str = "", *, revision: int = 0, sequence: int = 7) -> Verdict:
        verdict = verdict_of(Post(platform="x", id=name.rpartition("/")[2], text="Win money now"), sequence=sequence)
        ruling = replace(verdict.ruling, case=case)
        return replace(verdict, content_digest=TEXT, ruling=ruling, revision=revision)

    return make


class TestWhatHolds:
    @pytest.mark.parametrize(
        ("standings", "post", "case"),
        [
            ([], ONE, None),
            ([held(case="cases/c1")], ONE, "cases/c1"),
            ([held(ONE, "cases/c2")], TWO, None),
            ([held(case="cases/c1"), held(ONE, "cases/c2")], ONE, "cases/c2"),  # alone before by text
            ([held(ONE, "cases/c2"), held(case="cases/c1")], ONE, "cases/c2"),  # also when that is older
            ([held(case="cases/c1"), held(ONE, "cases/c2")], TWO, "cases/c1"),
            ([held(case="cases/c1"), held(case="cases/c3")], ONE, "cases/c3"),  # the newest
            ([held(ONE, "cases/c1"), held(ONE, "cases/c3")], ONE, "cases/c3"),
        ],
    )
    def test_alone_before_by_text_and_the_newest_of_each(
        self, standings: list[Standing], post: str, case: str | None
    ) -> None:
        for kept in (standings, holding(standings)):
            found = standing_for(kept, post)
            assert (found.case if found else None) == case

    def test_a_ruling_by_a_person_names_its_case_and_reason(self) -> None:
        expected = Ruling(Decision.BLOCK, (Category.FRAUD,), (MODERATOR,), "scam", "cases/c1")
        assert ruling_by(held()) == ruling_by(standing_on(decided())) == expected

    def test_a_bulk_decision_is_its_own_ground(self) -> None:
        assert standing_on(decided(about="clusters/t1")).case == "decisions/d1"


class TestWhatADecisionLetsStand:
    @pytest.mark.parametrize(
        ("scope", "texts", "before", "stands"),
        [
            (Scope.TEXT, [TEXT], [], [(TEXT, "")]),
            (Scope.TEXT, ["t2", TEXT], [], [(TEXT, ""), ("t2", "")]),
            (Scope.TEXT, [TEXT], [held()], [(TEXT, "")]),
            (Scope.TEXT, [TEXT], [held(TWO)], [(TEXT, "")]),
            (Scope.TEXT, [TEXT], [held(ONE)], [(TEXT, ""), (TEXT, ONE)]),  # else its own would still come first
            (Scope.POST, [TEXT], [], [(TEXT, ONE)]),
            (Scope.POST, [TEXT, "t2"], [held(), held(ONE)], [(TEXT, ONE)]),
            (Scope.TEXT, [""], [], []),
        ],
    )
    def test_on_its_text_or_for_its_post(
        self, scope: Scope, texts: list[str], before: list[Standing], stands: list[tuple[str, str]]
    ) -> None:
        made = standings_by(decided(scope), texts, before)
        assert [(text, standing.post) for text, standing in made] == stands
        assert {standing.case for _, standing in made} <= {"cases/c1"}

    def test_nothing_for_a_post_without_a_text(self) -> None:
        assert standings_by(decided(Scope.POST, content_digest=""), [], []) == []


class TestWhatADecisionRevises:
    def test_the_one_post(self, said: MakeVerdict) -> None:
        own, other = said(ONE), said(TWO)
        assert revised_by(decided(Scope.POST), [own], [own, other], []) == [own]

    def test_all_that_carry_the_text_its_own_first_and_once(self, said: MakeVerdict) -> None:
        own, two, three = said(ONE), said(TWO), said(THREE)
        assert revised_by(decided(), [own], [three, own, two], [held()]) == [own, three, two]

    def test_not_those_that_somebody_decided_alone(self, said: MakeVerdict) -> None:
        own, two, three = said(ONE), said(TWO), said(THREE)
        assert revised_by(decided(), [own], [own, two, three], [held(ONE), held(TWO)]) == [own, three]

    def test_those_that_carry_the_text_when_its_own_was_edited(self, said: MakeVerdict) -> None:
        assert revised_by(decided(), [], [said(TWO)], []) == [said(TWO)]


class TestOutOfLine:
    @pytest.mark.parametrize(
        ("rests_on", "standings", "appealed", "wrong"),
        [
            ("", (held(),), set(), "cases/c1"),  # recorded while somebody decided
            ("cases/c0", (held(),), set(), "cases/c1"),  # an older decision
            ("cases/c1", (held(), held(ONE, "cases/c2")), set(), "cases/c2"),
            ("", (held(case="decisions/d1"),), set(), "decisions/d1"),
            ("", (held(case="decisions/d1"),), {TWO}, "decisions/d1"),
            ("", (held(ONE, "decisions/d1"),), {ONE}, "decisions/d1"),
            ("", (held(),), {ONE}, "cases/c1"),  # only bulk decisions keep off appeals
        ],
    )
    def test_what_rests_on_something_else_than_what_stands(
        self, said: MakeVerdict, rests_on: str, standings: tuple[Standing, ...], appealed: set[str], wrong: str
    ) -> None:
        verdict = said(ONE, rests_on)
        [found], loose = out_of_line([verdict], {TEXT: standings}, appealed)
        assert (found.verdict, found.standing.case, loose) == (verdict, wrong, [])

    @pytest.mark.parametrize(
        ("rests_on", "standings", "appealed"),
        [
            ("", (), set()),  # the policy's
            ("", (held(TWO),), set()),  # of another post alone
            ("cases/c1", (held(),), set()),
            ("cases/c2", (held(), held(ONE, "cases/c2")), set()),
            ("", (held(case="decisions/d1"),), {ONE}),  # bulk decisions keep off appeals
        ],
    )
    def test_what_is_in_line(
        self, said: MakeVerdict, rests_on: str, standings: tuple[Standing, ...], appealed: set[str]
    ) -> None:
        assert out_of_line([said(ONE, rests_on)], {TEXT: standings}, appealed) == ([], [])

    @pytest.mark.parametrize("standings", [{}, {TEXT: (held(TWO),)}, {"t2": (held(),)}])
    def test_what_rests_on_a_decision_that_stands_no_more(
        self, said: MakeVerdict, standings: dict[str, tuple[Standing, ...]]
    ) -> None:
        verdict = said(ONE, "cases/c1")
        assert out_of_line([verdict], standings, ()) == ([], [verdict])

    def test_each_by_its_own_text(self, said: MakeVerdict) -> None:
        one, other = said(ONE), replace(said(TWO), content_digest="t2")
        assert out_of_line([one, other], {"t2": (held(),)}, ()) == ([Misruled(other, held())], [])

    @pytest.mark.parametrize(
        ("rests_on", "revision", "back"),
        [
            ("cases/c1", 1, True),
            ("cases/c2", 1, False),  # decided and never undone
            ("cases/c2", 0, True),  # got by its text alone
            ("decisions/d1", 2, True),
        ],
    )
    def test_what_rests_on_a_decision_that_was_taken_back(
        self, said: MakeVerdict, rests_on: str, revision: int, back: bool
    ) -> None:
        verdict = said(ONE, rests_on, revision=revision)
        assert taken_back([verdict], {"cases/c1", "decisions/d1"}) == ([verdict] if back else [])


class TestWhatHoldsAgain:
    def test_what_was_there_before_else_the_twins_else_the_policys(self, said: MakeVerdict) -> None:
        verdict, before, twins, policys = said(ONE), said(ONE, "cases/c0"), said(TWO), said(THREE)
        assert what_stood(verdict, {7: before}, {TEXT: twins}, {TEXT: policys}) is before
        assert what_stood(verdict, {8: before}, {TEXT: twins}, {TEXT: policys}) is twins
        assert what_stood(verdict, {}, {"t2": twins}, {TEXT: policys}) is policys
        assert what_stood(verdict, {}, {}, {}) is None

    def test_restored_is_as_before_with_what_stands_now(self, said: MakeVerdict) -> None:
        undone, before = ruled(said(ONE), ruling_by(held()), {TEXT: (held(),)}, NOW), said(ONE)
        again = restored(undone, before, {}, NOW)
        assert (again.ruling, again.source, again.policy_version) == (before.ruling, Source.MODEL, "p1")
        assert (again.skipped, again.decided_at, again.sequence) == (before.skipped, NOW, 0)
        assert again.judgement
        assert again.judgement.standing == ()

    def test_undone_an_earlier_persons_decision_holds_again(self, said: MakeVerdict) -> None:
        earlier = ruled(said(ONE), ruling_by(held(case="cases/c0")), {TEXT: (held(case="cases/c0"),)}, NOW)
        again = restored(said(ONE, "cases/c1"), earlier, {TEXT: (held(case="cases/c0"),)}, NOW)
        assert (again.ruling.case, again.source) == ("cases/c0", Source.MODERATOR)
        assert again.judgement
        assert again.judgement.standing_for(ONE) == held(case="cases/c0")

    def test_ruled_is_a_persons_and_took_no_time(self, said: MakeVerdict) -> None:
        made = ruled(said(ONE), ruling_by(held()), {TEXT: (held(),)}, NOW)
        assert (made.source, made.ruling.rules, made.decided_at) == (Source.MODERATOR, (MODERATOR,), NOW)
        assert (made.latency, made.sequence) == ({}, 0)
        assert made.judgement
        assert made.judgement.standing == (held(),)
