"""The policy engine: a judgement and a post in, a ruling out. Pure, total, standard library only.

Every rule that matches is named, strictest first, and the strictest decides. What no policy may have is refused when a
`service.policy.rule.Rule` is made. Documents are read by `service.policy.document`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from service.domain.decision import Category, Decision, Ruling, Standing
from service.domain.judgement import Judgement
from service.domain.post import Post, Surface
from service.policy.routing import Routing
from service.policy.rule import AUTOMATIC, Rule

TEST_STRING = "ASSAY*STANDARD*TEST*POST*"
"""Followed by a decision, anywhere in a text, it asks for that decision: harmless, for end-to-end tests and staging."""

MODERATOR = "moderator"
"""The rule of a verdict where a person decided."""

_ASKED = re.compile(re.escape(TEST_STRING) + f"({'|'.join(Decision)})(?![A-Za-z])")
_ALLOWED = Ruling(Decision.ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named, versioned list of rules, strictest first, and what to answer where rules cannot.

    `version` is a digest of what the document says, and of the certificate if a rule uses it. `provisional` holds
    None for surfaces whose posts fail instead. `routing` is for the cases that people decide; `budget` limits the posts
    that are acted on automatically each day (None: unlimited).
    """

    name: str
    description: str
    version: str
    rules: tuple[Rule, ...]
    test_string: bool
    abstained: Mapping[Surface, Decision]
    without_worker: Mapping[Surface, Decision | None]
    without_model: Mapping[Surface, Decision]
    routing: Routing = field(default_factory=Routing)
    budget: int | None = None

    def __post_init__(self) -> None:
        strictest_first = sorted(self.rules, key=lambda rule: -rule.then.severity)
        object.__setattr__(self, "rules", tuple(strictest_first))

    def decide(self, post: Post, judgement: Judgement | None) -> Ruling:
        """The ruling on `post`: what a person decided on it, else the rules.

        Without a judgement, only rules about the post itself can match.
        """
        if judgement is not None and (standing := judgement.standing_for(post.name)):
            return ruling_by(standing)
        if judgement is not None and judgement.abstained:
            return self._rule(post, judgement, (self.abstained[post.surface], "defaults.abstained"))
        return self._rule(post, judgement)

    def provisional(self, post: Post) -> Ruling | None:
        """The ruling when no worker answers in time; None when the call is to fail."""
        floor = self.without_worker[post.surface]
        if floor is None:
            return self._asked(post)
        return self._rule(post, None, (floor, "defaults.provisional"))

    def set_aside(self, post: Post) -> Ruling:
        """The ruling on a post that stopped the model three times."""
        return self._rule(post, None, (self.without_model[post.surface], "defaults.set_aside"))

    @property
    def current(self) -> "Policy":
        """Itself: see `Policies`."""
        return self

    def automatic(self, ruling: Ruling) -> bool:
        """Whether the ruling acts on a post by the classifiers alone: no person, and no rule about the post."""
        if ruling.decision not in AUTOMATIC:
            return False
        by_name = {rule.name: rule for rule in self.rules}
        due = [rule for name in ruling.rules if (rule := by_name.get(name)) and rule.then is ruling.decision]
        return bool(due) and all(rule.acts for rule in due)

    def restrained(self, ruling: Ruling, why: str) -> Ruling:
        """An automatic ruling left to a person instead; `why` is joined to the names of the rules that would act."""
        acting = {rule.name for rule in self.rules if rule.acts}
        names = tuple(f"{name}.{why}" if name in acting else name for name in ruling.rules)
        return replace(ruling, decision=Decision.REVIEW, rules=names)

    def _asked(self, post: Post) -> Ruling | None:
        """The ruling that the test string asks for."""
        if not self.test_string or TEST_STRING not in post.text or not (asked := _ASKED.search(post.text)):
            return None
        return Ruling(Decision(asked[1]), (Category.TEST,), ("test_string",))

    def _rule(self, post: Post, judgement: Judgement | None, *defaults: tuple[Decision, str]) -> Ruling:
        """The rules that match and the named defaults, as one ruling.

        Where the classifiers abstained on the text, matched claims still count: the match itself
        says whether its relation is known.
        """
        if asked := self._asked(post):
            return asked
        heard = replace(judgement, signals={}) if judgement and judgement.abstained else judgement
        matched = [
            rule for rule in self.rules if rule.when.holds(post, judgement if rule.despite_abstention else heard)
        ]
        if not matched and not defaults:
            return _ALLOWED
        due = sorted([*(rule.due(judgement) for rule in matched), *defaults], key=lambda pair: -pair[0].severity)
        categories = dict.fromkeys(rule.category for rule in matched if rule.category)
        return Ruling(due[0][0], tuple(categories), tuple(name for _, name in due))


def ruling_by(standing: Standing) -> Ruling:
    """The ruling where a person decided."""
    return Ruling(standing.decision, standing.categories, (MODERATOR,), standing.reason, standing.case)


class Policies(Protocol):
    """The source of the current policy.

    Read `current` once for a decision and its version: it may be another at the next read.
    """

    @property
    def current(self) -> Policy:
        """The policy that decides now."""
        ...
