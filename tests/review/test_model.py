"""Leases, decisions and undoing in any order, against a model that fits on a page (hypothesis)."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.domain.decision import Decision
from service.errors import NotHeld, Outdated
from service.records.sql.store import SqlStore
from service.review.case import Case, CaseState
from tests.fixtures.review import LEASE, UNDO, review_on, ruled, twins

PEOPLE = st.sampled_from(["m-1", "m-2", "m-3"])
DECISIONS = st.sampled_from([Decision.ALLOW, Decision.LABEL, Decision.BLOCK])
TEXTS = "abc"


class Reviews(RuleBasedStateMachine):
    """Three texts with two posts each; every decision is about a text."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.reviewed: Any = None
        self.held: dict[str, tuple[str, float]] = {}  # case id: by whom, until when
        self.decided: dict[str, tuple[str, Decision, str, float]] = {}  # text: case id, decision, by whom, when
        self.last: dict[str, list[str]] = {}  # texts that a person decided, in order
        self.skipped: set[tuple[str, str]] = set()

    @initialize()
    def open(self) -> None:
        shutil.copy(self.template, self.folder / "store.db")
        url = f"sqlite:///{self.folder / 'store.db'}"
        self.reviewed = self.run(review_on(SqlStore.connect, url))
        self.posts = {text: twins(text, 2, start=2 * n) for n, text in enumerate(TEXTS)}
        self.cases: dict[str, tuple[str, Case]] = {}
        for text, posts in self.posts.items():
            self.cases |= {case.id: (text, case) for case in self.run(self.reviewed.open(posts))}

    @rule(who=PEOPLE)
    def lease(self, who: str) -> None:
        found = self.run(self.reviewed.lease(who))
        mine = {case_id for case_id in self.cases if self.holder(case_id) == who}
        free = {
            case_id
            for case_id, (text, _) in self.cases.items()
            if text not in self.decided and not self.holder(case_id) and (who, case_id) not in self.skipped
        }
        assert len(found) == bool(mine or free)
        for case in found:
            assert case.id in (mine or free)
            self.held[case.id] = who, self.reviewed.clock.time + LEASE

    @rule(who=PEOPLE, said=DECISIONS, data=st.data())
    def decide(self, who: str, said: Decision, data: st.DataObject) -> None:
        case_id = data.draw(st.sampled_from(sorted(self.cases)))
        text, case = self.cases[case_id]
        before = self.decided.get(text)
        try:
            self.run(self.reviewed.decide(case, who, ruled(said)))
        except Outdated:
            assert before
            return
        except NotHeld:
            assert not before
            assert self.holder(case_id) != who
            return
        if before:
            assert before[:3] == (case_id, said, who)  # the same again
            return
        assert self.holder(case_id) == who
        self.decided[text] = case_id, said, who, self.reviewed.clock.time
        self.last.setdefault(who, []).append(text)
        self.held = {held: by for held, by in self.held.items() if self.cases[held][0] != text}

    @rule(who=PEOPLE)
    def undo(self, who: str) -> None:
        mine = self.last.get(who, [])
        try:
            outcome = self.run(self.reviewed.undo(who))
        except Exception as error:  # noqa: BLE001 - which one is asserted
            late = mine and self.reviewed.clock.time - self.decided[mine[-1]][3] > UNDO
            assert isinstance(error, Outdated) if late else not mine  # noqa: PT017 - which it is depends
            return
        case_id, *_ = self.decided.pop(mine.pop())
        assert outcome.case
        assert outcome.case.id == case_id
        self.held[case_id] = who, self.reviewed.clock.time + LEASE

    @rule(who=PEOPLE, data=st.data())
    def skip(self, who: str, data: st.DataObject) -> None:
        case_id = data.draw(st.sampled_from(sorted(self.cases)))
        if self.holder(case_id) == who:
            self.run(self.reviewed.review.skip(case_id, who, "unsure"))
            self.skipped.add((who, case_id))
            del self.held[case_id]

    @rule(seconds=st.sampled_from([1.0, LEASE / 2, LEASE, UNDO]))
    def wait(self, seconds: float) -> None:
        self.reviewed.clock.time += seconds

    @precondition(lambda self: self.reviewed is not None)
    @invariant()
    def all_is_as_the_model_says(self) -> None:
        for case_id, (text, _) in self.cases.items():
            case = self.run(self.reviewed.review.find_case(case_id))
            assert case.state is (CaseState.DECIDED if text in self.decided else CaseState.OPEN)
            if holder := self.holder(case_id):
                assert case.holder == holder
        for text, posts in self.posts.items():
            decision = self.decided[text][1] if text in self.decided else Decision.REVIEW
            verdicts = [self.run(self.reviewed.current(post)) for post in posts]
            assert {verdict.decision for verdict in verdicts} == {decision}
            stands = {verdict.judgement.standing_for(verdict.post.name) is not None for verdict in verdicts}
            assert stands == {text in self.decided}

    def holder(self, case_id: str) -> str:
        who, until = self.held.get(case_id, ("", 0.0))
        return who if until > self.reviewed.clock.time else ""

    def run(self, call: Any) -> Any:
        return self.loop.run_until_complete(call)

    def teardown(self) -> None:
        if self.reviewed:
            self.run(self.reviewed.store.close())
        self.loop.close()
        shutil.rmtree(self.folder)


def test_any_order_of_leases_decisions_and_undoing(migrated: Path) -> None:
    class Prepared(Reviews):
        """On copies of one migrated file."""

    Prepared.template = migrated
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Prepared, settings=settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=slow)
    )
