"""The numbers that the Santa Clara Principles (2.0, "Numbers") ask for, counted from what was decided.

What is counted are decisions, one for each verdict of each revision: a post that was labelled by the policy and blocked
by a person counts in both. Assay acts on posts alone: it knows of no suspended accounts, no orders of authorities, no
notices, and the Principles' numbers about those are the platform's to add.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.decision import Category, Decision
from service.transparency.decided import RESTRICTS, DecidedBy, newly_restricts, reinstates


class Tally(NamedTuple):
    """What decisions are distinguished by. `before` is the post's decision until then, None for its first.

    `before_categories` are those of that earlier decision: of what a person clears, why it was flagged.
    """

    decision: Decision
    before: Decision | None
    decided_by: DecidedBy
    categories: frozenset[Category]
    before_categories: frozenset[Category]
    surface: str
    language: str
    region: str

    @property
    def actioned(self) -> bool:
        """Whether it put a restriction on the post that this did not have."""
        return newly_restricts(self.before, self.decision)

    @property
    def reinstated(self) -> bool:
        """Whether it took the post's restriction off."""
        return reinstates(self.before, self.decision)

    @property
    def automated(self) -> bool:
        """Whether no person looked at this post for it."""
        return self.decided_by is not DecidedBy.PERSON

    @property
    def detected(self) -> bool:
        """Whether automated means found the post: the policy decided, or had flagged it before a person did."""
        return self.automated or self.before not in {None, Decision.ALLOW}

    @property
    def checked(self) -> bool:
        """Whether it is a person's word on a post that automated means had flagged."""
        return self.decided_by is DecidedBy.PERSON and self.before not in {None, Decision.ALLOW}

    @property
    def concerns(self) -> frozenset[Category]:
        """The categories that it is about; of a post that was cleared, those that it was cleared of."""
        return self.before_categories if self.checked or self.reinstated else self.categories


Counted = Mapping[Tally, int]


@dataclass(frozen=True, slots=True)
class Contested:
    """Appeals against decisions that one kind of decider took first."""

    upheld: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeals:
    """Appeals that were opened in the time, those that were decided in it, and those open at its end.

    An upheld one overturned the decision. `hours` is how long a decided one took, at the median; None where none was.
    """

    opened: int = 0
    waiting: int = 0
    against_policy: Contested = field(default_factory=Contested)
    against_people: Contested = field(default_factory=Contested)
    hours: float | None = None

    @property
    def upheld(self) -> int:
        """All that were upheld."""
        return self.against_policy.upheld + self.against_people.upheld

    @property
    def rejected(self) -> int:
        """All that were rejected."""
        return self.against_policy.rejected + self.against_people.rejected


Measures = dict[str, int | float | None]


def share(part: int, whole: int) -> float | None:
    """The part's share, to four places; None where there is nothing to share."""
    return round(part / whole, 4) if whole else None


def how_many(counted: Counted, which: Callable[[Tally], bool]) -> int:
    """How many decisions are so."""
    return sum(count for tally, count in counted.items() if which(tally))


def overview(counted: Counted) -> dict[str, Measures]:
    """What was decided, and what of it restricted posts."""
    first = {tally: count for tally, count in counted.items() if tally.before is None}
    return {
        "posts decided": {"count": sum(first.values())},
        "decisions, revisions included": {"count": sum(counted.values())},
        "posts actioned": {"count": how_many(counted, lambda tally: tally.actioned)},
        "posts sent to a person": {
            "count": how_many(counted, lambda t: t.decision is Decision.REVIEW and t.before is not Decision.REVIEW)
        },
    }


def actions(counted: Counted) -> dict[str, Measures]:
    """Each action, by who decided and by how the post was found."""
    return {
        decision.value: _action({t: n for t, n in counted.items() if t.decision is decision and t.actioned})
        for decision in Decision
        if decision in RESTRICTS
    }


def _action(actioned: Counted) -> Measures:
    by = Counter[DecidedBy]()
    for tally, count in actioned.items():
        by[tally.decided_by] += count
    return {
        "actioned": sum(actioned.values()),
        "decided automatically": by[DecidedBy.POLICY],
        "carried over from a person's decision": by[DecidedBy.CARRIED],
        "decided by a person": by[DecidedBy.PERSON],
        "found automatically": how_many(actioned, lambda tally: tally.detected),
        "found by people": how_many(actioned, lambda tally: not tally.detected),
    }


def grouped(counted: Counted, groups_of: Callable[[Tally], Iterable[str]]) -> dict[str, Measures]:
    """The same measures for each group; a decision of several groups counts in each of them."""
    groups: dict[str, dict[Tally, int]] = {}
    for tally, count in counted.items():
        for group in groups_of(tally):
            groups.setdefault(group or "not said", {})[tally] = count
    return {group: _measures(groups[group]) for group in sorted(groups)}


def _measures(counted: Counted) -> Measures:
    checked = how_many(counted, lambda tally: tally.checked)
    confirmed = how_many(counted, lambda tally: tally.checked and tally.decision in RESTRICTS)
    cleared = how_many(counted, lambda tally: tally.checked and tally.decision is Decision.ALLOW)
    return {
        "decisions": sum(counted.values()),
        "actioned": how_many(counted, lambda tally: tally.actioned),
        **{
            each.value.lower(): how_many(counted, lambda tally, each=each: tally.actioned and tally.decision is each)  # type: ignore[misc]
            for each in Decision
            if each in RESTRICTS
        },
        "sent to a person": how_many(counted, lambda t: t.decision is Decision.REVIEW and t.before is not t.decision),
        "decided automatically": how_many(counted, lambda t: t.actioned and t.decided_by is DecidedBy.POLICY),
        "decided by a person": how_many(counted, lambda t: t.actioned and t.decided_by is DecidedBy.PERSON),
        "reinstated": how_many(counted, lambda tally: tally.reinstated),
        "flagged automatically and checked by a person": checked,
        "confirmed": confirmed,
        "cleared": cleared,
        "accuracy": share(confirmed, confirmed + cleared),
    }


def reinstatements(counted: Counted, appeals: Appeals) -> dict[str, Measures]:
    """Restrictions taken off, with and without an appeal."""
    taken_off = how_many(counted, lambda tally: tally.reinstated)
    after_appeal = min(taken_off, appeals.upheld)
    return {
        "posts reinstated": {"count": taken_off},
        "after an appeal was upheld": {"count": after_appeal},
        "without an appeal": {"count": taken_off - after_appeal},
    }


def contested(appeals: Appeals) -> dict[str, Measures]:
    """Appeals and what became of them, by who had decided first."""

    def measures(of: Contested) -> Measures:
        decided = of.upheld + of.rejected
        told: Measures = {"decided": decided, "upheld": of.upheld, "rejected": of.rejected}
        return {**told, "share upheld": share(of.upheld, decided)}

    every = Contested(appeals.upheld, appeals.rejected)
    return {
        "all": {"opened": appeals.opened, "waiting": appeals.waiting, **measures(every), "median hours": appeals.hours},
        "against automated decisions": measures(appeals.against_policy),
        "against people's decisions": measures(appeals.against_people),
    }
