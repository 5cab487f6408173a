"""The policy engine: a judgement and a post in, a ruling out. Pure, total, standard library only.

Every rule that matches is named, strictest first, and the strictest decides. What no policy may say is refused when a
`Rule` is made (`service.policy_file` adds the line): see `_objections`. Documents are read by `service.policy_file`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from service.conditions import SIGNALS, Condition, Obfuscation, Words, declares_ai, judged, shows
from service.domain import Category, Decision, Judgement, Post, Ruling, Surface
from service.errors import PolicyInvalid

CERTAIN_WORDS = 20
"""Below so many words no post is reduced or blocked without a person."""

TEST_STRING = "ASSAY*STANDARD*TEST*POST*"
"""Followed by a decision, anywhere in a text, it asks for that decision: harmless, for end-to-end tests and staging."""

_ASKED = re.compile(re.escape(TEST_STRING) + f"({'|'.join(Decision)})(?![A-Za-z])")
_ALLOWED = Ruling(Decision.ALLOW)

_Objection = tuple[str, str, str]  # key, problem, remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When `when` holds, `then` is due. Making one that no policy may hold raises `PolicyInvalid`.

    `reason` is for authors and moderators to read. A rule hears no signals where the classifiers abstained, unless
    `despite_abstention`.
    """

    name: str
    when: Condition
    then: Decision
    category: Category | None
    reason: str
    despite_abstention: bool = False

    def __post_init__(self) -> None:
        for key, problem, remedy in _objections(self):  # the first one
            raise PolicyInvalid(f"rules.{self.name}.{key}", problem, remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named, versioned list of rules, strictest first, and what to answer where rules cannot.

    `version` is a digest of what the document says. `provisional` holds None for surfaces whose posts rather fail.
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

    def decide(self, post: Post, judgement: Judgement | None, claims: Sequence[object] = ()) -> Ruling:
        """The ruling on `post`. Without a judgement, only rules about the post itself can match.

        No condition reads `claims` yet: matched claims join the conditions when an index serves them.
        """
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
        """The rules that match and the named defaults, as one ruling."""
        if asked := self._asked(post):
            return asked
        heard = replace(judgement, signals={}) if judgement and judgement.abstained else judgement
        matched = [
            rule for rule in self.rules if rule.when.holds(post, judgement if rule.despite_abstention else heard)
        ]
        if not matched and not defaults:
            return _ALLOWED
        due = sorted([*((rule.then, rule.name) for rule in matched), *defaults], key=lambda pair: -pair[0].severity)
        categories = dict.fromkeys(rule.category for rule in matched if rule.category)
        return Ruling(due[0][0], tuple(categories), tuple(name for _, name in due))


def _objections(rule: Rule) -> Iterator[_Objection]:
    """Each thing in `rule` that no policy may say."""
    yield from _category_objections(rule)
    alone = any(map(_shows_ai, rule.when.leaves())) and not rule.when.implies(_shows_more)
    if alone and rule.then.severity > Decision.LABEL.severity:
        yield (
            "then",
            f"{rule.then} for machine-writing alone, which is never itself a violation",
            "use LABEL, or ask for another signal such as misinformation, at 0.5 or more, in every branch of `when`",
        )
    if any(map(judged, rule.when.leaves())):
        yield from _automatic_objections(rule)


def _category_objections(rule: Rule) -> Iterator[_Objection]:
    if rule.category is Category.TEST:
        yield "category", "TEST belongs to the test string", "name the category that the rule is about"
    if rule.category is None and rule.then is not Decision.ALLOW:
        yield "category", f"is missing, and the decision is {rule.then}", "say why such posts are flagged"
    for axis, categories, shown in _AXES:
        if rule.category in categories and not rule.when.implies(shown):
            yield (
                "category",
                f"{rule.category} without {axis}",
                f"ask for {axis} at 0.5 or more in every branch of `when`, or name another category",
            )


def _automatic_objections(rule: Rule) -> Iterator[_Objection]:
    """What a decision on a judgement that no person sees needs."""
    if rule.then is Decision.BLOCK:
        yield (
            "then",
            "BLOCK on a judgement needs a certified error bound for its surface and length, and no bundle has one yet",
            "use REVIEW; BLOCK stays possible on surfaces, regions, locales and digital_source_types alone",
        )
    if rule.then is Decision.REDUCE and (rule.despite_abstention or not rule.when.implies(_long_enough)):
        yield (
            "then",
            f"REDUCE where the text may have fewer than {CERTAIN_WORDS} words or the classifiers abstained",
            f"add `words: {{at_least: {CERTAIN_WORDS}}}` and drop `despite_abstention`, or use REVIEW",
        )


def _shows_ai(leaf: Condition) -> bool:
    return declares_ai(leaf) or shows(leaf, "ai_generated")


def _shows_misinformation(leaf: Condition) -> bool:
    return shows(leaf, "misinformation")


def _shows_more(leaf: Condition) -> bool:
    """Whether it asks for anything but machine-writing that may be a violation."""
    return isinstance(leaf, Obfuscation) or any(shows(leaf, signal) for signal in SIGNALS if signal != "ai_generated")


def _long_enough(leaf: Condition) -> bool:
    return isinstance(leaf, Words) and leaf.minimum >= CERTAIN_WORDS


_BOTH = Category.AI_GENERATED_MISINFORMATION
_AXES = (
    ("ai_generated (or a declared AI source type)", {_BOTH, Category.AI_GENERATED}, _shows_ai),
    ("misinformation", {_BOTH, Category.MISINFORMATION}, _shows_misinformation),
)
