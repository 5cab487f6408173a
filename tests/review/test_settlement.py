"""The rules by which cases are settled, row by row, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.decision import Category, Decision
from service.domain.post import PostKey, Surface
from service.errors import AssayError, CaseNotFound, InvalidInput, NotAllowed, NotHeld, Outdated
from service.review.appeal import Appeal, AppealState
from service.review.case import APPEALS, SECOND_OPINIONS, Case, CaseDecision, CaseKind, CaseState, Ruled, Scope
from service.review.holding import free_of_others, must_hold
from service.review.settlement import (
    Against,
    Settlement,
    action_of,
    check_appeal_decidable,
    check_decidable,
    check_unanswered,
    concluded,
    contested_again,
    decision_on,
    outcome_of,
    repeated,
    settlement,
    told,
    undoable,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
POST = PostKey("platforms/x/posts/1", "f1")
FRAUD, HATE = Category.FRAUD, Category.HATE
BLOCK, LABEL, ALLOW, REDUCE = Decision.BLOCK, Decision.LABEL, Decision.ALLOW, Decision.REDUCE


def case_of(kind: CaseKind = CaseKind.REVIEW, **fields: Any) -> Case:
    """An open case that m-1 holds."""
    made = Case(
        id="c1",
        kind=kind,
        queue="general",
        post=POST,
        content_digest="t1",
        cluster="t1",
        surface=Surface.FEED,
        region="DE",
        language="de",
        author="a1",
        categories=(FRAUD,),
        severity=2,
        priority=1.0,
        opened_at=NOW - timedelta(hours=1),
        holder="m-1",
        leased_at=NOW - timedelta(seconds=30),
        lease_until=LATER,
    )
    return replace(made, **fields)


def decided(decision: Decision = BLOCK, *categories: Category, **fields: Any) -> CaseDecision:
    """What m-1 decides; for fraud unless it says otherwise."""
    found = categories or (() if decision is ALLOW else (FRAUD,))
    made = CaseDecision(
        id="d1",
        about="cases/c1",
        post=POST,
        content_digest="t1",
        moderator="m-1",
        decision=decision,
        categories=found,
        reason="scam",
        rationale="It sells nothing.",
        decided_at=NOW,
    )
    return replace(made, **fields)


def appeal_of(contested: Decision = BLOCK, *categories: Category, **fields: Any) -> Appeal:
    """An open appeal against what m-0 decided."""
    made = Appeal(
        id="a1",
        post=POST,
        content_digest="t1",
        sequence=7,
        contested=contested,
        contested_categories=categories or (FRAUD,),
        contested_at=NOW - timedelta(days=1),
        statement="It is satire.",
        opened_at=NOW - timedelta(hours=1),
        first_decider="m-0",
        case="c1",
    )
    return replace(made, **fields)


OPINION = decided(BLOCK, FRAUD, HATE, id="d0", moderator="m-0", applied=False)
SECOND = case_of(CaseKind.SECOND_OPINION, subject="decisions/d0", barred=frozenset({"m-0"}))
THIRD = replace(SECOND, queue=SECOND_OPINIONS)


class TestTheTable:
    """One case for each row, and its edges: whether verdicts are revised, and what is asked of whom."""

    @pytest.mark.parametrize(
        ("case", "said", "against", "opinion", "applied"),
        [
            pytest.param(case_of(), decided(), None, False, True, id="a review"),
            pytest.param(case_of(), decided(ALLOW), None, False, True, id="a review that allows"),
            pytest.param(case_of(), decided(), None, True, False, id="a review, an opinion is asked"),
            pytest.param(SECOND, decided(BLOCK, HATE, FRAUD), OPINION, False, True, id="both agree, in any order"),
            pytest.param(SECOND, decided(BLOCK, HATE, FRAUD, reason="other"), OPINION, False, True, id="other reason"),
            pytest.param(SECOND, decided(LABEL, HATE, FRAUD), OPINION, False, False, id="another decision"),
            pytest.param(SECOND, decided(BLOCK, FRAUD), OPINION, False, False, id="fewer categories"),
            pytest.param(SECOND, decided(BLOCK, HATE, FRAUD), OPINION, True, True, id="nobody more is asked"),
            pytest.param(THIRD, decided(LABEL), None, False, True, id="the third"),
            pytest.param(case_of(CaseKind.PREVALENCE), decided(), BLOCK, False, False, id="a sample, the same"),
            pytest.param(case_of(CaseKind.PREVALENCE), decided(BLOCK, HATE), BLOCK, False, False, id="same, other why"),
            pytest.param(case_of(CaseKind.PREVALENCE), decided(), ALLOW, False, True, id="a sample, another"),
            pytest.param(case_of(CaseKind.PREVALENCE), decided(ALLOW), BLOCK, False, True, id="a sample, milder"),
            pytest.param(case_of(CaseKind.PREVALENCE), decided(), None, False, False, id="a sample that was edited"),
            pytest.param(case_of(CaseKind.GOLDEN), decided(), None, False, False, id="a golden item"),
            pytest.param(case_of(CaseKind.APPEAL), decided(BLOCK), appeal_of(), False, False, id="rejected"),
            pytest.param(case_of(CaseKind.APPEAL), decided(LABEL), appeal_of(), False, True, id="upheld"),
            pytest.param(case_of(CaseKind.APPEAL), decided(ALLOW), appeal_of(), False, True, id="upheld, allowed"),
        ],
    )
    def test_whether_verdicts_are_revised(
        self, case: Case, said: CaseDecision, against: Against, opinion: bool, applied: bool
    ) -> None:
        assert settlement(case, said, against, opinion=opinion).applied is applied

    @pytest.mark.parametrize(
        ("case", "said", "against"),
        [
            (case_of(), decided(), None),
            (SECOND, decided(BLOCK, FRAUD, HATE), OPINION),
            (THIRD, decided(LABEL), None),
            (case_of(CaseKind.PREVALENCE), decided(), ALLOW),
            (case_of(CaseKind.GOLDEN), decided(), None),
        ],
    )
    def test_nothing_follows(self, case: Case, said: CaseDecision, against: Against) -> None:
        settled = settlement(case, said, against)
        assert (settled.following, settled.appeal) == ((), None)

    @pytest.mark.parametrize(
        ("kind", "against"),
        [
            (CaseKind.APPEAL, None),
            (CaseKind.APPEAL, BLOCK),
            (CaseKind.SECOND_OPINION, None),
            (CaseKind.GOLDEN, BLOCK),
            (CaseKind.REVIEW, OPINION),
            (CaseKind.PREVALENCE, OPINION),
        ],
    )
    def test_what_it_is_held_against_fits_the_kind(self, kind: CaseKind, against: Against) -> None:
        with pytest.raises(TypeError, match=kind):
            settlement(case_of(kind), decided(), against)


class TestSecondOpinions:
    def test_somebody_else_is_asked_in_the_same_queue_and_does_not_see_it(self) -> None:
        case = case_of(barred=frozenset({"m-9"}), skipped=frozenset({"m-8"}))
        [asked] = settlement(case, decided(), opinion=True).following
        assert (asked.kind, asked.state, asked.queue) == (CaseKind.SECOND_OPINION, CaseState.OPEN, "general")
        assert asked.blind
        assert asked.subject == "decisions/d1"
        assert asked.barred == {"m-1", "m-9"}
        assert (asked.holder, asked.leased_at, asked.lease_until, asked.skipped) == ("", None, None, frozenset())
        assert asked.opened_at == NOW
        assert asked.id != case.id
        assert (asked.post, asked.priority, asked.severity) == (case.post, case.priority, case.severity)

    def test_who_differs_has_a_third_decide_who_sees_both(self) -> None:
        [asked] = settlement(SECOND, decided(LABEL), OPINION).following
        assert (asked.kind, asked.queue, asked.blind) == (CaseKind.SECOND_OPINION, SECOND_OPINIONS, False)
        assert asked.barred == {"m-0", "m-1"}
        assert asked.subject == "decisions/d1"

    def test_the_third_may_ask_once_more(self) -> None:
        settled = settlement(THIRD, decided(LABEL, moderator="m-2"), opinion=True)
        [asked] = settled.following
        assert not settled.applied
        assert (asked.queue, asked.barred) == (SECOND_OPINIONS, {"m-0", "m-2"})


class TestAppeals:
    @pytest.mark.parametrize(
        ("said", "state"),
        [
            (decided(BLOCK, FRAUD, HATE), AppealState.REJECTED),
            (decided(BLOCK, HATE), AppealState.REJECTED),  # for some of the reasons
            (decided(BLOCK, Category.VIOLENCE), AppealState.UPHELD),  # for another
            (decided(BLOCK, FRAUD, HATE, Category.VIOLENCE), AppealState.UPHELD),  # for one more
            (decided(REDUCE, FRAUD), AppealState.UPHELD),
            (decided(LABEL, FRAUD), AppealState.UPHELD),
            (decided(ALLOW), AppealState.UPHELD),
        ],
    )
    def test_upheld_when_something_else_is_decided(self, said: CaseDecision, state: AppealState) -> None:
        assert outcome_of(appeal_of(BLOCK, FRAUD, HATE), said) is state

    @pytest.mark.parametrize("stricter", [REDUCE, Decision.REVIEW, BLOCK])
    def test_never_stricter(self, stricter: Decision) -> None:
        with pytest.raises(InvalidInput, match="stricter than the LABEL"):
            settlement(case_of(CaseKind.APPEAL), decided(stricter), appeal_of(LABEL))

    def test_upheld_has_what_was_decided(self) -> None:
        appeal = concluded(appeal_of(BLOCK, FRAUD), decided(LABEL, HATE, scope=Scope.TEXT))
        assert (appeal.state, appeal.decider, appeal.decided_at) == (AppealState.UPHELD, "m-1", NOW)
        assert (appeal.decision, appeal.categories, appeal.scope) == (LABEL, (HATE,), Scope.TEXT)
        assert (appeal.reason, appeal.rationale) == ("scam", "It sells nothing.")

    def test_rejected_keeps_the_categories_that_are_contested(self) -> None:
        appeal = concluded(appeal_of(BLOCK, FRAUD, HATE), decided(BLOCK, HATE))
        assert (appeal.state, appeal.decision, appeal.categories) == (AppealState.REJECTED, BLOCK, (FRAUD, HATE))

    def test_the_settlement_carries_it(self) -> None:
        said = decided(ALLOW)
        concluded_appeal = concluded(appeal_of(), said)
        expected = Settlement(applied=True, appeal=concluded_appeal)
        assert settlement(case_of(CaseKind.APPEAL), said, appeal_of()) == expected

    def test_undone_it_is_open_as_before(self) -> None:
        appeal = appeal_of()
        assert contested_again(concluded(appeal, decided(ALLOW, scope=Scope.POST))) == appeal

    @pytest.mark.parametrize(
        ("case", "error"),
        [
            (case_of(CaseKind.APPEAL, queue=APPEALS), None),  # held by them
            (case_of(CaseKind.APPEAL, holder="", lease_until=None), None),  # free
            (case_of(CaseKind.APPEAL, holder="m-2", lease_until=NOW), None),  # somebody's lease ran out
            (case_of(CaseKind.APPEAL, holder="m-2"), NotHeld),
            (case_of(CaseKind.APPEAL, barred=frozenset({"m-1"})), NotAllowed),
            (case_of(CaseKind.APPEAL, state=CaseState.DECIDED), Outdated),
            (case_of(CaseKind.APPEAL, state=CaseState.CLOSED, barred=frozenset({"m-1"})), Outdated),
        ],
    )
    def test_who_may_decide_it(self, case: Case, error: type[AssayError] | None) -> None:
        if error is None:
            check_appeal_decidable(appeal_of(), case, "m-1", NOW)
        else:
            with pytest.raises(error):
                check_appeal_decidable(appeal_of(), case, "m-1", NOW)


class TestDeciding:
    @pytest.mark.parametrize(
        ("said", "leased_at", "seconds"),
        [
            (12.0, NOW - timedelta(seconds=30), 12.0),
            (0.0, NOW - timedelta(seconds=30), 30.0),
            (0.0, None, 0.0),
            (0.0, LATER, 0.0),  # clocks of two hosts disagree
        ],
    )
    def test_time_spent_counts_from_the_lease(self, said: float, leased_at: datetime | None, seconds: float) -> None:
        made = decision_on(case_of(leased_at=leased_at), "m-1", Ruled(decision=ALLOW), said, NOW)
        assert made.seconds == seconds

    def test_the_decision_names_its_case_and_what_was_flagged(self) -> None:
        case = case_of(CaseKind.SECOND_OPINION, subject="decisions/d0")
        ruled = Ruled(decision=BLOCK, categories=(HATE,), reason="scam", rationale="why", scope=Scope.POST)
        made = decision_on(case, "m-1", ruled, 1.0, NOW)
        assert (made.about, made.kind, made.subject) == ("cases/c1", CaseKind.SECOND_OPINION, "decisions/d0")
        assert (made.post, made.content_digest, made.flagged) == (POST, "t1", (FRAUD,))
        assert (made.decision, made.categories, made.reason) == (BLOCK, (HATE,), "scam")
        assert (made.rationale, made.scope, made.decided_at) == ("why", Scope.POST, NOW)

    @pytest.mark.parametrize(
        ("case", "who", "ruled", "again"),
        [
            ({}, "m-1", {}, True),
            ({}, "m-2", {}, False),
            ({}, "m-1", {"decision": LABEL}, False),
            ({}, "m-1", {"categories": (HATE,)}, False),
            ({}, "m-1", {"reason": "other"}, False),
            ({}, "m-1", {"rationale": "other"}, False),
            ({}, "m-1", {"scope": Scope.POST}, False),
            ({"state": CaseState.OPEN}, "m-1", {}, False),
            ({"id": "c2"}, "m-1", {}, False),  # decided along, in another case
        ],
    )
    def test_the_same_again(self, case: dict[str, Any], who: str, ruled: dict[str, Any], again: bool) -> None:
        there = decided()
        same = {"decision": BLOCK, "categories": (FRAUD,), "reason": "scam", "rationale": there.rationale}
        found = case_of(**{"state": CaseState.DECIDED, **case})
        assert repeated(found, there, who, Ruled(**{**same, **ruled})) is again

    @pytest.mark.parametrize(
        ("case", "error"),
        [
            (case_of(), None),
            (case_of(state=CaseState.DECIDED), Outdated),
            (case_of(state=CaseState.CLOSED), Outdated),
            (case_of(holder="m-2"), NotHeld),
            (case_of(holder="", lease_until=None), NotHeld),
            (case_of(lease_until=NOW), NotHeld),
        ],
    )
    def test_who_may_decide_it(self, case: Case, error: type[AssayError] | None) -> None:
        if error is None:
            check_decidable(case, "m-1", NOW)
        else:
            with pytest.raises(error):
                check_decidable(case, "m-1", NOW)


class TestHolding:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"lease_until": NOW}, "ran out"),
            ({"holder": "m-2"}, "m-2 holds it"),
            ({"holder": "m-2", "lease_until": NOW}, "no one holds it"),
            ({"holder": "", "lease_until": None}, "no one holds it"),
            ({"state": CaseState.DECIDED, "lease_until": None}, "it is closed"),
        ],
    )
    def test_tells_why_not(self, fields: dict[str, Any], says: str) -> None:
        with pytest.raises(NotHeld, match=says):
            must_hold(case_of(**fields), "m-1", NOW)

    @pytest.mark.parametrize(
        ("fields", "free"),
        [
            ({}, True),
            ({"holder": "m-2"}, False),
            ({"holder": "m-2", "lease_until": NOW}, True),
            ({"holder": "m-2", "lease_until": None}, True),
            ({"holder": "", "lease_until": None}, True),
        ],
    )
    def test_free_of_others(self, fields: dict[str, Any], free: bool) -> None:
        assert free_of_others(case_of(**fields), "m-1", NOW) is free


class TestUndoing:
    LAST = decided()

    @pytest.mark.parametrize("named", [None, LAST])
    def test_ones_last_decision(self, named: CaseDecision | None) -> None:
        assert undoable(self.LAST, named, "m-1", at=NOW + timedelta(seconds=600), within=600.0) == self.LAST

    def test_what_was_taken_back_already(self) -> None:
        undone = decided(id="d0", undone_at=NOW)
        assert undoable(self.LAST, undone, "m-1", at=NOW, within=600.0) is undone
        assert undoable(None, undone, "m-1", at=NOW, within=600.0) is undone

    @pytest.mark.parametrize(
        ("last", "named", "late", "error", "says"),
        [
            (None, None, 0.0, CaseNotFound, "no decision"),
            (LAST, None, 600.000001, Outdated, "more than 10 minutes ago"),
            (LAST, decided(id="d0"), 0.0, Outdated, "decisions/d0 is not your last"),
            (LAST, decided(id="d0", moderator="m-2", undone_at=NOW), 0.0, Outdated, "not your last"),
            (None, decided(id="d0", moderator="m-2"), 0.0, Outdated, "not your last"),
        ],
    )
    def test_nothing_else(
        self, last: CaseDecision | None, named: CaseDecision | None, late: float, error: type[AssayError], says: str
    ) -> None:
        with pytest.raises(error, match=says):
            undoable(last, named, "m-1", at=NOW + timedelta(seconds=late), within=600.0)

    def test_not_after_somebody_gave_their_opinion_on_it(self) -> None:
        check_unanswered([])
        check_unanswered([CaseState.OPEN, CaseState.CLOSED])
        with pytest.raises(Outdated, match="second opinion"):
            check_unanswered([CaseState.OPEN, CaseState.DECIDED])


@pytest.mark.parametrize(
    ("kind", "opinion", "action"),
    [
        (CaseKind.REVIEW, False, "case.decide"),
        (CaseKind.REVIEW, True, "case.opinion"),
        (CaseKind.SECOND_OPINION, False, "case.decide"),
        (CaseKind.APPEAL, False, "appeal.decide"),
        (CaseKind.APPEAL, True, "appeal.decide"),
    ],
)
def test_what_the_audit_log_calls_it(kind: CaseKind, opinion: bool, action: str) -> None:
    assert action_of(case_of(kind), opinion=opinion) == action


def test_the_audit_log_holds_no_words() -> None:
    assert "It sells nothing." not in told(decided()).values()
    assert told(decided(BLOCK, FRAUD))["categories"] == ["FRAUD"]
