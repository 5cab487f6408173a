"""One rule of a policy, and the limits of all rules. Pure, standard library only.

With a certificate a rule may act on a signal without a person, REDUCE or BLOCK, where every post that it can match is
at or above the certified threshold of its surface and length; and only on judgements of the certificate's model.
That a post repeats a debunked claim indicates misinformation, but no certificate covers it: it never acts by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TypeGuard

from service.domain.decision import MACHINE_WRITTEN, MISLEADING, SIGNALS, Category, Decision
from service.domain.judgement import Judgement
from service.domain.post import Surface
from service.errors import PolicyInvalid
from service.policy.certificate import Certificate, WordSpan
from service.policy.conditions import (
    Condition,
    Obfuscation,
    SignalBound,
    Words,
    declares_ai,
    judged,
    repeats_debunked,
    rests_on_claim,
    rules_out,
    shows,
)

CERTAIN_WORDS = 20
"""Posts of fewer words are not reduced or blocked without a person."""

AUTOMATIC = frozenset({Decision.REDUCE, Decision.BLOCK})
"""Decisions that touch a post."""

UNCERTIFIED = "uncertified_model"
"""Joined to the name of a rule that would have acted on the judgement of a model it has no certificate for."""

MOVED = "moved_by_claim"
"""Joined to the name of a rule that would have acted on `misinformation` where a matched claim moved it."""

_MISINFORMATION = "misinformation"
_Objection = tuple[str, str, str]  # key, problem, remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When `when` holds, `then` is decided. Making one that no policy may have raises `PolicyInvalid`.

    `reason` is for authors and moderators to read. A rule ignores signals where the classifiers abstained, unless
    `despite_abstention`. An automatic decision on signals is based on `certificate`.
    """

    name: str
    when: Condition
    then: Decision
    category: Category | None
    reason: str
    despite_abstention: bool = False
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        for key, problem, remedy in _objections(self):  # the first one
            raise PolicyInvalid(f"rules.{self.name}.{key}", problem, remedy)

    @property
    def certified(self) -> Certificate | None:
        """The certificate that its decision is based on, if any."""
        return self.certificate if self.acts else None

    @property
    def acts(self) -> bool:
        """Whether it touches posts on a judgement that no person sees."""
        return self.then in AUTOMATIC and any(map(judged, self.when.leaves()))

    def due(self, judgement: Judgement | None) -> tuple[Decision, str]:
        """Its decision where it holds, and its name.

        Instead of acting it asks for REVIEW where its certificate is of another model, and where it reads a
        `misinformation` that a claim has moved: only the signal of the text alone is certified.
        """
        if judgement is None or not self.acts:
            return self.then, self.name
        if self.certificate and judgement.model_version != self.certificate.model_version:
            return Decision.REVIEW, f"{self.name}.{UNCERTIFIED}"
        if any(match.weight for match in judgement.evidence.matches) and any(map(_reads_moved, self.when.leaves())):
            return Decision.REVIEW, f"{self.name}.{MOVED}"
        return self.then, self.name


def _objections(rule: Rule) -> Iterator[_Objection]:
    """Each thing in `rule` that no policy may have."""
    yield from _category_objections(rule)
    alone = any(map(_shows_ai, rule.when.leaves())) and not rule.when.implies(_shows_more)
    if alone and rule.then.severity > Decision.LABEL.severity:
        yield (
            "then",
            f"{rule.then} for machine-writing alone, which is never itself a violation",
            "use LABEL, or ask for another signal such as misinformation, at 0.5 or more, in every branch of `when`",
        )
    if rule.acts:
        yield from _certificate_objections(rule, rule.certificate) if rule.certificate else _automatic_objections(rule)


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
                f"ask for {axis}, at 0.5 or more in every branch of `when`, or name another category",
            )


def _automatic_objections(rule: Rule) -> Iterator[_Objection]:
    """What an automatic decision on a judgement lacks without a certificate."""
    if rule.then is Decision.BLOCK:
        yield (
            "then",
            "BLOCK on a judgement needs a certified error bound for its surface and length, and there is none",
            "use REVIEW, or name the certificate in ASSAY_CERTIFICATE (`assay calibrate` makes one)",
        )
    if rule.then is Decision.REDUCE and any(map(rests_on_claim, rule.when.leaves())):
        yield (
            "then",
            "REDUCE because of a claim needs a certificate for the signal that it is joined with, and there is none",
            "use LABEL or REVIEW, or name the certificate in ASSAY_CERTIFICATE (`assay calibrate` makes one)",
        )
    if rule.then is Decision.REDUCE and (rule.despite_abstention or not rule.when.implies(_long_enough)):
        yield (
            "then",
            f"REDUCE where the text may have fewer than {CERTAIN_WORDS} words or the classifiers abstained",
            f"add `words: {{at_least: {CERTAIN_WORDS}}}` and drop `despite_abstention`, or use REVIEW",
        )


def _certificate_objections(rule: Rule, certificate: Certificate) -> Iterator[_Objection]:
    """Where an automatic decision exceeds the certificate: the first surface and length of text."""
    if rule.despite_abstention:
        yield (
            "despite_abstention",
            f"{rule.then} where the classifiers abstain, which no certificate covers",
            "drop `despite_abstention`, or use REVIEW",
        )
    for surface, span in product(Surface, certificate.spans):
        if not rule.when.implies(partial(_harmless, certificate, surface, span)):
            short = span.last is not None and span.last <= CERTAIN_WORDS
            yield (
                "then",
                f"{rule.then} goes beyond the certificate: {_gap(rule, certificate, surface, span, short=short)}",
                f"add `words: {{at_least: {CERTAIN_WORDS + 1}}}`, or use REVIEW"
                if short
                else "raise the threshold, narrow `surfaces` and `words` to what is certified, or use REVIEW",
            )


def _harmless(certificate: Certificate, surface: Surface, span: WordSpan, leaf: Condition) -> bool:
    """Whether this single condition excludes all such posts, or all below the certified threshold."""
    if rules_out(leaf, surface, span.first, span.last):
        return True
    return _at_least(leaf) and not certificate.why_not(leaf.signal, surface, span, leaf.threshold.least)


def _gap(rule: Rule, certificate: Certificate, surface: Surface, span: WordSpan, *, short: bool) -> str:
    """Why the certificate doesn't cover the rule there."""
    if short:
        return f"posts on surface {surface} with {span} are too short to act on"
    leaves = [leaf for leaf in rule.when.leaves() if _at_least(leaf)]
    reasons = [certificate.why_not(leaf.signal, surface, span, leaf.threshold.least) for leaf in leaves]
    if not reasons or not all(reasons):
        return f"not every branch of `when` asks for a signal on surface {surface} with {span}"
    return ", and ".join(dict.fromkeys(reasons))


def _at_least(leaf: Condition) -> TypeGuard[SignalBound]:
    """Whether it asks for a signal's probability, or the low end of its interval, from a threshold upwards."""
    return isinstance(leaf, SignalBound) and leaf.at_least


def _shows_ai(leaf: Condition) -> bool:
    return declares_ai(leaf) or shows(leaf, "ai_generated")


def _shows_misinformation(leaf: Condition) -> bool:
    return shows(leaf, _MISINFORMATION) or repeats_debunked(leaf)


def _reads_moved(leaf: Condition) -> bool:
    return isinstance(leaf, SignalBound) and leaf.signal == _MISINFORMATION


def _shows_more(leaf: Condition) -> bool:
    """Whether it asks for anything but machine-writing that may be a violation."""
    violates = (shows(leaf, signal) for signal in SIGNALS if signal != "ai_generated")
    return isinstance(leaf, Obfuscation) or repeats_debunked(leaf) or any(violates)


def _long_enough(leaf: Condition) -> bool:
    return isinstance(leaf, Words) and leaf.minimum >= CERTAIN_WORDS


_AXES = (
    ("ai_generated (or a declared AI source type)", MACHINE_WRITTEN, _shows_ai),
    (f"{_MISINFORMATION} (or repeating a debunked claim)", MISLEADING, _shows_misinformation),
)
