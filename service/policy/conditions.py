"""The conditions of policy rules on a post and its judgement, as a frozen tree. Standard library only.

A condition on the judgement holds only where the judgement has the value: a missing signal is neither at
least nor below anything, so neither a condition on it nor its negation holds. Empty post attributes are values like
any other: a post without a region is not among `[DE]`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from service.domain.claim import DEBUNKED, Match, Rating, Relation
from service.domain.judgement import Judgement
from service.domain.post import Post

OBFUSCATIONS = ("homoglyph", "compatibility", "format_character", "control_character", "combining_mark", "whitespace")
"""Kinds of obfuscation that the classifiers count."""

EVEN = 0.5
"""From this probability on a signal is likelier than not."""

AI_SOURCE_TYPES = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"})
"""IPTC digital source types that declare a post made by a generative model."""

SOURCE_TYPES = (
    *sorted(AI_SOURCE_TYPES),
    *("algorithmicMedia", "algorithmicallyEnhanced", "composite", "compositeCapture", "compositeSynthetic"),
    *("computationalCapture", "dataDrivenMedia", "digitalArt", "digitalCapture", "digitalCreation", "humanEdits"),
    *("multiFrameComputationalCapture", "negativeFilm", "positiveFilm", "print", "screenCapture", "virtualRecording"),
)
"""IPTC digital source types (cv.iptc.org/newscodes/digitalsourcetype)."""


class Condition(ABC):
    """One condition, or several joined."""

    __slots__ = ()

    @abstractmethod
    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """Whether it is known to hold."""

    @abstractmethod
    def negated(self) -> "Condition":
        """The condition that holds when this one is known not to hold."""

    def implies(self, what: Callable[["Condition"], bool]) -> bool:
        """Whether every way to meet it meets a single condition for which `what` is true."""
        return what(self)

    def leaves(self) -> Iterator["Condition"]:
        """The single conditions in it: itself, unless it joins others."""
        yield self


@dataclass(frozen=True, slots=True)
class AllOf(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        for part in self.parts:  # noqa: SIM110  # a generator would double the time of a decision
            if not part.holds(post, judgement):
                return False
        return True

    def negated(self) -> Condition:
        """Some part fails."""
        return AnyOf(tuple(part.negated() for part in self.parts))

    def implies(self, what: Callable[[Condition], bool]) -> bool:
        """Whether one part does."""
        return any(part.implies(what) for part in self.parts)

    def leaves(self) -> Iterator[Condition]:
        """See `Condition`."""
        return chain.from_iterable(part.leaves() for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        return any(part.holds(post, judgement) for part in self.parts)

    def negated(self) -> Condition:
        """Every part fails."""
        return AllOf(tuple(part.negated() for part in self.parts))

    def implies(self, what: Callable[[Condition], bool]) -> bool:
        """Whether every part does."""
        return all(part.implies(what) for part in self.parts)

    def leaves(self) -> Iterator[Condition]:
        """See `Condition`."""
        return chain.from_iterable(part.leaves() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A probability, with exceptions for some posts: the first that fits counts."""

    value: float
    exceptions: tuple[tuple[Condition, float], ...] = ()

    @property
    def least(self) -> float:
        """The lowest probability that counts for any post."""
        return min(self.value, *(value for _, value in self.exceptions), 1.0)

    def at(self, post: Post, judgement: Judgement) -> float:
        """The probability that counts for this post."""
        for condition, value in self.exceptions:
            if condition.holds(post, judgement):
                return value
        return self.value


@dataclass(frozen=True, slots=True)
class SignalBound(Condition):
    """A signal's probability, or the low end of its interval, is at least (or else below) a threshold."""

    signal: str
    threshold: Threshold
    at_least: bool = True
    low: bool = False

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        if judgement is None or (signal := judgement.signals.get(self.signal)) is None:
            return False
        value = signal.low if self.low else signal.probability
        return (value >= self.threshold.at(post, judgement)) is self.at_least

    def negated(self) -> Condition:
        """The opposite side of the threshold."""
        return replace(self, at_least=not self.at_least)


@dataclass(frozen=True, slots=True)
class Words(Condition):
    """The text has `minimum` words or more, and fewer than `below` (None: any number)."""

    minimum: int = 0
    below: int | None = None

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        if judgement is None or judgement.words < self.minimum:
            return False
        return self.below is None or judgement.words < self.below

    def negated(self) -> Condition:
        """Fewer words, or more."""
        shorter = (Words(0, self.minimum),) if self.minimum else ()
        longer = (Words(self.below),) if self.below is not None else ()
        return AnyOf(shorter + longer)


@dataclass(frozen=True, slots=True)
class Abstained(Condition):
    """The classifiers abstained (or not), for one of `reasons` when any are given."""

    reasons: frozenset[str] = frozenset()
    wanted: bool = True

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        if judgement is None:
            return False
        found = self.reasons.intersection(judgement.abstained) if self.reasons else judgement.abstained
        return bool(found) is self.wanted

    def negated(self) -> Condition:
        """They did not (or did)."""
        return replace(self, wanted=not self.wanted)


@dataclass(frozen=True, slots=True)
class Obfuscation(Condition):
    """At least `count` characters (or fewer) hid words from a machine; of one `kind`, or of all when it is empty."""

    kind: str
    count: int
    wanted: bool = True

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        if judgement is None:
            return False
        undone = judgement.evidence.obfuscation
        found = undone.get(self.kind, 0) if self.kind else sum(undone.values())
        return (found >= self.count) is self.wanted

    def negated(self) -> Condition:
        """Fewer (or at least as many)."""
        return replace(self, wanted=not self.wanted)


@dataclass(frozen=True, slots=True)
class ClaimBound(Condition):
    """The post has one of `relations` to a claim of one of `ratings`, at or above the threshold (or not).

    Its probability is the match's `score` times its `p_relation`. Matches that abstained and quarantined claims don't
    count; whether the classifiers abstained on the text does not matter. `publishers` are casefolded; none: any.
    """

    relations: frozenset[Relation]
    threshold: Threshold
    ratings: frozenset[Rating] = DEBUNKED
    publishers: frozenset[str] = frozenset()
    wanted: bool = True

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        if judgement is None:
            return False
        matches = filter(self._about, judgement.evidence.matches)
        surest = max((match.score * match.p_relation for match in matches), default=None)
        found = surest is not None and surest >= self.threshold.at(post, judgement)
        return found is self.wanted

    def negated(self) -> Condition:
        """No such match (or one)."""
        return replace(self, wanted=not self.wanted)

    def _about(self, match: Match) -> bool:
        if match.abstained or match.quarantined or match.relation not in self.relations:
            return False
        return match.rating in self.ratings and (not self.publishers or match.publisher.casefold() in self.publishers)


@dataclass(frozen=True, slots=True)
class Among(Condition):
    """An attribute of the post (a key of `ATTRIBUTES`) has one of `values`, or none of them."""

    attribute: str
    values: frozenset[str]
    wanted: bool = True

    def holds(self, post: Post, judgement: Judgement | None) -> bool:
        """See `Condition`."""
        return self.values.isdisjoint(ATTRIBUTES[self.attribute](post)) is not self.wanted

    def negated(self) -> Condition:
        """None of the values (or one of them)."""
        return replace(self, wanted=not self.wanted)


def _locales(post: Post) -> tuple[str, str]:
    """A post's locale and its language: `pt-br` and `pt`."""
    locale = post.locale.replace("_", "-").lower()
    return locale, locale.partition("-")[0]


def _source_type(post: Post) -> tuple[str]:
    """The IPTC term, whether it was sent bare, with a prefix or as a URI."""
    return (post.context.digital_source_type.rpartition("/")[2].rpartition(":")[2],)


ATTRIBUTES: dict[str, Callable[[Post], tuple[str, ...]]] = {
    "surfaces": lambda post: (post.surface,),
    "regions": lambda post: (post.region,),
    "locales": _locales,
    "digital_source_types": _source_type,
}
"""The attributes of a post that a rule may ask for: the value, in each form that a rule may name."""


def judged(leaf: Condition) -> bool:
    """Whether this single condition reads the judgement."""
    return not isinstance(leaf, Among)


def rules_out(leaf: Condition, surface: str, first: int, last: int | None) -> bool:
    """Whether this single condition holds for no post of `surface` with `first` to `last` words (None: any more)."""
    if isinstance(leaf, Words):
        return (last is not None and leaf.minimum > last) or (leaf.below is not None and leaf.below <= first)
    return isinstance(leaf, Among) and leaf.attribute == "surfaces" and (surface in leaf.values) is not leaf.wanted


def declares_ai(leaf: Condition) -> bool:
    """Whether this single condition asks for a post that its author declared made by a generative model."""
    return isinstance(leaf, Among) and leaf.wanted and bool(leaf.values) and leaf.values <= AI_SOURCE_TYPES


def shows(leaf: Condition, signal: str) -> bool:
    """Whether this single condition asks for `signal` to be likelier than not."""
    return isinstance(leaf, SignalBound) and leaf.signal == signal and leaf.at_least and leaf.threshold.least >= EVEN


def repeats_debunked(leaf: Condition) -> bool:
    """Whether this single condition asks for a post that, likelier than not, repeats a debunked claim."""
    if not isinstance(leaf, ClaimBound) or not leaf.wanted or leaf.threshold.least < EVEN:
        return False
    return leaf.relations <= {Relation.REPEATS} and leaf.ratings <= DEBUNKED


def rests_on_claim(leaf: Condition) -> bool:
    """Whether this single condition asks for a post with some relation to a claim."""
    return isinstance(leaf, ClaimBound) and leaf.wanted
