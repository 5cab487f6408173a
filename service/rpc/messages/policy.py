"""Policy versions, what a change would do, and budgets, to messages."""

import re

from assay.v1 import policy_service_pb2 as pb

from service.domain.decision import Category, Decision, Ruling
from service.domain.validation import check_text
from service.errors import InvalidInput
from service.policy.governance.backtest import Backtest, Flip
from service.policy.governance.policy_version import PolicyAct, PolicyChange, PolicyVersion, Slots
from service.policy.governance.shadow_ruling import Differing, ShadowComparison
from service.policy.governance.trial import Trial
from service.policy.ports import BudgetState
from service.rpc.messages.enums import CATEGORIES, DECISIONS, EnumTable
from service.rpc.messages.times import write_time

LIVE = "policies/live"
ACTS = EnumTable(PolicyAct, pb.PolicyAct.Value, "POLICY_ACT")

_NAME = re.compile(r"policies/([0-9a-f]{1,64})")
_ACTOR, _NOTE = 256, 1_024


def read_policy_name(name: str, field: str) -> str:
    """The version in `policies/{version}`. Raises `InvalidInput` naming `field`."""
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name[:80]!r} is not policies/{{version}}" if name else "is missing"
        raise InvalidInput(field, problem, "send the name of a version; ListPolicyVersions tells what there is")
    return found[1]


def read_optional_name(name: str, field: str) -> str:
    """Likewise; empty for an empty name, which stands for what is live."""
    return "" if name in {"", LIVE} else read_policy_name(name, field)


def read_actor(actor: str, note: str) -> tuple[str, str]:
    """Who, and why. Raises `InvalidInput` naming the field."""
    if not actor.strip():
        raise InvalidInput("actor", "is missing", "say who does this, by a pseudonym")
    check_text("actor", actor, _ACTOR)
    check_text("note", note, _NOTE)
    return actor, note


def write_version(version: PolicyVersion, slots: Slots, live: str, message: pb.PolicyVersion) -> None:
    """Fill the empty `message`, without the document. `live` is the version that decides."""
    message.name, message.title, message.description = version.name, version.title, version.description
    message.author, message.note, message.number = version.author, version.note, version.number
    write_time(version.created_at, message.create_time)
    message.live, message.shadow = version.version == live, version.version == slots.shadow


def write_change(change: PolicyChange, message: pb.PolicyChange) -> None:
    """Fill the empty `message`."""
    message.number, message.actor, message.note = change.number, change.actor, change.note
    message.act = ACTS.number(change.act)
    message.policy = _name(change.version)
    message.previous_policy = _name(change.before)
    write_time(change.at, message.change_time)


def write_trial(trial: Trial, message: pb.PolicyTrial) -> None:
    """Fill the empty `message`."""
    message.post = trial.post.name
    _write_ruling(trial.live, message.live)
    _write_ruling(trial.candidate, message.candidate)
    if trial.judgement is None:
        return
    message.abstained.extend(trial.judgement.abstained)
    for signal in trial.judgement.signals.values():
        message.signals.add(
            name=signal.name,
            probability=signal.probability,
            raw_score=signal.raw,
            interval_low=signal.low,
            interval_high=signal.high,
        )


def write_backtest(backtest: Backtest, message: pb.BacktestPolicyResponse) -> None:
    """Fill the empty `message`."""
    message.summary, message.complete = backtest.summary, backtest.complete
    message.base, message.candidate = _name(backtest.base), _name(backtest.candidate)
    write_time(backtest.start, message.start_time)
    message.posts, message.unjudged, message.by_people = backtest.posts, backtest.unjudged, backtest.by_people
    message.recategorised, message.upheld = backtest.recategorised, backtest.upheld
    message.automatic_before, message.automatic_after = backtest.automatic
    for (before, after), posts in backtest.flips.items():
        message.flips.add(before=DECISIONS.number(before), after=DECISIONS.number(after), posts=posts)
    for category, change in backtest.categories.items():
        message.categories.add(
            category=CATEGORIES.number(category),
            before=change.before,
            after=change.after,
            gained=change.gained,
            lost=change.lost,
        )
    for flip in backtest.examples:
        _write_flip(flip, message.examples.add())


def write_comparison(comparison: ShadowComparison, message: pb.CompareShadowResponse) -> None:
    """Fill the empty `message`."""
    message.policy = _name(comparison.version)
    message.posts, message.agreed = comparison.posts, comparison.agreed
    for (live, shadow), posts in sorted(comparison.matrix.items(), key=lambda pair: -pair[1]):
        message.matrix.add(before=DECISIONS.number(live), after=DECISIONS.number(shadow), posts=posts)
    for example in comparison.examples:
        _write_differing(example, message.examples.add())


def write_budget(state: BudgetState, message: pb.ActionBudget) -> None:
    """Fill the empty `message`."""
    message.spent, message.granted = state.spent, state.granted
    if state.limit is not None:
        message.limit = state.limit
    if state.opened_at:
        write_time(state.opened_at, message.open_time)


def _write_flip(flip: Flip, message: pb.FlippedPost) -> None:
    message.post, message.appeal_upheld = flip.post, flip.upheld
    _write_ruling(flip.before, message.before)
    _write_ruling(flip.after, message.after)


def _write_differing(example: Differing, message: pb.DifferingPost) -> None:
    message.post = example.post
    write_time(example.decided_at, message.decide_time)
    _fill(message.live, example.live, example.live_categories, ())
    _fill(message.shadow, example.shadow, example.categories, example.rules)


def _write_ruling(ruling: Ruling, message: pb.PolicyRuling) -> None:
    _fill(message, ruling.decision, ruling.categories, ruling.rules)


def _fill(
    message: pb.PolicyRuling, decision: Decision, categories: tuple[Category, ...], rules: tuple[str, ...]
) -> None:
    message.decision = DECISIONS.number(decision)
    message.categories.extend(map(CATEGORIES.number, categories))
    message.rules.extend(rules)


def _name(version: str) -> str:
    return f"policies/{version}" if version else ""
