"""The policy engine: a judgement and a post in, a ruling out. Pure, total, standard library only.

Every rule that matches is named, strictest first, and the strictest decides. What no policy may say is refused when a
`service.rule.Rule` is made. Documents are read by `service.policy_file`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.domain import Category, Decision, Judgement, Post, Ruling, Surface
from service.rule import Rule

TEST_STRING = "ASSAY*STANDARD*TEST*POST*"
"""Followed by a decision, anywhere in a text, it asks for that decision: harmless, for end-to-end tests and staging."""

_ASKED = re.compile(re.escape(TEST_STRING) + f"({'|'.join(Decision)})(?![A-Za-z])")
_ALLOWED = Ruling(Decision.ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named, versioned list of rules, strictest first, and what to answer where rules cannot.

    `version` is a digest of what the document says, and of a certificate that a rule rests on. `provisional` holds None
    for surfaces whose posts rather fail.
    """

    name: str
    description: str
    version: str
    rules: tuple[Rule, ...]
    test_string: bool
    abstained: Mapping[Surface, Decision]
    without_worker: Mapping[Surface, Decision | None]
    without_model: Mapping[Surface, Decision]

    def __post_init__(self) -> None:
        strictest_first = sorted(self.rules, key=lambda rule: -rule.then.severity)
        object.__setattr__(self, "rules", tuple(strictest_first))

    def decide(self, post: Post, judgement: Judgement | None) -> Ruling:
        """The ruling on `post`. Without a judgement, only rules about the post itself can match."""
        if judgement is not None and judgement.abstained:
            return self._rule(post, judgement, (self.abstained[post.surface], "defaults.abstained"))
        return self._rule(post, judgement)

    def provisional(self, post: Post) -> Ruling | None:
        """What to answer when no worker is there in time; None when the call is to fail."""
        floor = self.without_worker[post.surface]
        if floor is None:
            return self._asked(post)
        return self._rule(post, None, (floor, "defaults.provisional"))

    def set_aside(self, post: Post) -> Ruling:
        """The ruling on a post that stopped the model three times."""
        return self._rule(post, None, (self.without_model[post.surface], "defaults.set_aside"))

    def _asked(self, post: Post) -> Ruling | None:
        """The ruling that the test string asks for."""
        if not self.test_string or TEST_STRING not in post.text or not (asked := _ASKED.search(post.text)):
            return None
        return Ruling(Decision(asked[1]), (Category.TEST,), ("test_string",))

    def _rule(self, post: Post, judgement: Judgement | None, *defaults: tuple[Decision, str]) -> Ruling:
        """The rules that match and the named defaults, as one ruling.

        Where the classifiers abstained on the text, evidence is heard all the same: of a matched claim the match itself
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
