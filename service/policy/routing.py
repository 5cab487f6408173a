"""Which queue a case goes to, how urgent it is, and for which reasons people decide. Pure, standard library only.

Parts of a policy; `service.policy.document` reads them. A case's priority is harm x reach x doubt: the harm of its
categories, how many see the post, and how little the model knows.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from service.domain.decision import MACHINE_WRITTEN, MISLEADING, Category, Decision
from service.domain.post import Post, Surface
from service.domain.verdict import Verdict

HARMS: Mapping[Category, int] = {category: category.harm for category in Category}
"""Severity of each category, 1 (mild) to 5 (grave), unless a policy says otherwise."""

GENERAL = "general"
"""The queue of cases that no route takes."""

SEVERE = 4
"""From this severity on a text is blurred until a moderator asks for it."""

_LEAST_DOUBT = 0.1
_REACH = ("reach", "views", "followers")  # keys of a post's metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A policy reason for which a moderator decides. `text` is shown to authors; some also require a rationale.

    `decision` is what is done for it unless the moderator says otherwise.
    """

    name: str
    text: str
    category: Category | None = None
    needs_rationale: bool = False
    decision: Decision | None = None

    @property
    def usual(self) -> Decision:
        """As the policy says, else LABEL for what is false or machine-written, and BLOCK for the rest."""
        if self.decision is not None:
            return self.decision
        if self.category is None:
            return Decision.ALLOW
        return Decision.LABEL if self.category in MACHINE_WRITTEN | MISLEADING else Decision.BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Cases that all the conditions fit go to `queue`; an empty collection does not narrow. Severity is 1 to 5.

    `languages` are BCP 47 tags; `en` takes `en-GB` too.
    """

    queue: str
    categories: frozenset[Category] = frozenset()
    surfaces: frozenset[Surface] = frozenset()
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    least_severity: int = 1

    def takes(self, post: Post, categories: Collection[Category], severity: int) -> bool:
        """Whether a case about `post` goes to this queue."""
        return (
            (not self.categories or not self.categories.isdisjoint(categories))
            and (not self.surfaces or post.surface in self.surfaces)
            and (not self.regions or post.region in self.regions)
            and (not self.languages or _speaks(post.locale, self.languages))
            and severity >= self.least_severity
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What a policy says of cases: routes (the first that fits counts), severities, and reasons."""

    routes: tuple[Route, ...] = ()
    harms: Mapping[Category, int] = field(default_factory=lambda: HARMS)
    reasons: tuple[Reason, ...] = ()

    @property
    def queues(self) -> tuple[str, ...]:
        """All queues, the general one last."""
        return tuple(dict.fromkeys([*(route.queue for route in self.routes), GENERAL]))

    def severity(self, categories: Collection[Category]) -> int:
        """The gravest of the categories, 1 to 5; 1 where there is none."""
        return max((self.harms[category] for category in categories), default=1)

    def queue_of(self, post: Post, categories: Collection[Category]) -> str:
        """The queue for a case about `post`."""
        severity = self.severity(categories)
        return next((route.queue for route in self.routes if route.takes(post, categories, severity)), GENERAL)

    def priority(self, post: Post, verdict: Verdict) -> float:
        """Harm x reach x doubt, above 0. Reach grows with the logarithm of the platform's count."""
        return self.severity(verdict.ruling.categories) * _reach(post) * _doubt(verdict)

    def reason(self, name: str) -> Reason | None:
        """The reason of that name."""
        return next((reason for reason in self.reasons if reason.name == name), None)


def _speaks(locale: str, languages: Collection[str]) -> bool:
    tag = locale.replace("_", "-").lower()
    return any(tag == language.lower() or tag.startswith(f"{language.lower()}-") for language in languages)


def _reach(post: Post) -> float:
    told = (post.metadata.get(key, "") for key in _REACH)
    people = max((int(value) for value in told if value.isascii() and value.isdigit() and len(value) < 16), default=0)
    return 1 + math.log10(1 + people)


def _doubt(verdict: Verdict) -> float:
    """Least where the signals behind the verdict are sure; 1 where one is at one half, and without a judgement."""
    if verdict.judgement is None:
        return 1.0
    named = {category.value.lower() for category in verdict.ruling.categories}
    signals = [signal for name, signal in verdict.judgement.signals.items() if name in named]
    if not signals:
        return 1.0
    width = max(signal.high - signal.low for signal in signals)
    unsure = max(1 - abs(2 * signal.probability - 1) for signal in signals)
    return max(_LEAST_DOUBT, unsure, width)
