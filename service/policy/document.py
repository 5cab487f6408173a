"""Policy documents: YAML in, `Policy` out. `service/policy/default.yaml` explains every key of the format.

`PolicyInvalid` names line and key and says what is allowed there. One reading reports one problem in each section, rule
and threshold: the first is raised, the others are its notes.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from service.domain.canonical import digest
from service.domain.claim import DEBUNKED, Rating, Relation
from service.domain.decision import SIGNALS, Category, Decision
from service.domain.post import Surface
from service.domain.validation import REGION
from service.errors import PolicyInvalid
from service.policy.certificate import Certificate
from service.policy.conditions import (
    ATTRIBUTES,
    OBFUSCATIONS,
    SOURCE_TYPES,
    Abstained,
    AllOf,
    Among,
    AnyOf,
    ClaimBound,
    Condition,
    Obfuscation,
    SignalBound,
    Threshold,
    Words,
)
from service.policy.document_sections import (
    LOCALE,
    LOCALES_LOOK,
    NAME,
    REGIONS_LOOK,
    read_budget,
    read_harms,
    read_queues,
    read_reasons,
)
from service.policy.policy import MODERATOR, Policy
from service.policy.routing import Routing
from service.policy.rule import Rule
from service.policy.yaml_nodes import Problems, YamlNode, read

DEFAULT = Path(__file__).with_name("default.yaml")
"""The shipped policy."""

_SCHEMA = 1
_RESERVED = frozenset({MODERATOR, "test_string"})
_OPTIONAL = ("test_string", "thresholds", "queues", "harms", "reasons", "budget")
_MOST_WORDS = 20_000
_THRESHOLD = re.compile(r"[a-z][a-z0-9_]*")
_REASON = re.compile(r"ABSTAINED_[A-Z_]+")
_RELATIONS = tuple(relation for relation in Relation if relation is not Relation.UNRELATED)
_UNJUDGED = (Decision.ALLOW, Decision.REVIEW)
_Answer = TypeVar("_Answer")


def load(path: Path | None = None, certificate: Certificate | None = None) -> Policy:
    """The policy in the file (None: the shipped one). Raises `PolicyInvalid`, and OSError for an unreadable file."""
    try:
        return parse((path or DEFAULT).read_text(encoding="utf-8"), certificate)
    except UnicodeDecodeError as error:
        raise PolicyInvalid(str(path), f"is not UTF-8 at byte {error.start}", "save it as UTF-8 text") from error


def parse(text: str, certificate: Certificate | None = None) -> Policy:
    """The policy in the text of a document; its automatic rules are based on the certificate."""
    return _Reading(read(text), certificate).policy()


class _Reading:
    """One reading of a document: collects problems and the thresholds by name."""

    def __init__(self, root: YamlNode, certificate: Certificate | None) -> None:
        required = ("schema", "name", "description", "defaults", "rules")
        self._root, self._certificate = root, certificate
        self._sections = root.mapping((*required, *_OPTIONAL), required)
        self._problems = Problems()
        self._thresholds: dict[str, Threshold] = {}

    def policy(self) -> Policy:
        """The whole policy, or the first problem with the others as its notes."""
        self._read_schema()
        self._read_thresholds()
        rules = self._rules()
        routing, budget = self._routing(), self._budget()
        with self._problems.caught():
            defaults = self._sections["defaults"].mapping(("abstained", "provisional", "set_aside"))
            policy = Policy(
                name=self._sections["name"].matching(NAME, "a short name such as ads-strict"),
                description=self._sections["description"].text(),
                version=self._version(rules),
                rules=rules,
                test_string=(node := self._sections.get("test_string")) is None or node.flag(),
                abstained=_by_surface(defaults.get("abstained"), _unjudged, Decision.REVIEW),
                without_worker=_by_surface(defaults.get("provisional"), _provisional, None),
                without_model=_by_surface(defaults.get("set_aside"), _unjudged, Decision.REVIEW),
                routing=routing,
                budget=budget,
            )
        self._problems.raise_any()
        return policy

    def _version(self, rules: Sequence[Rule]) -> str:
        """Digest of what the document says, and of a certificate that decides with it.

        Comments, layout and the order of keys don't count.
        """
        certificate = next(filter(None, (rule.certified for rule in rules)), None)
        return digest(json.dumps(self._root.plain(), sort_keys=True), *([certificate.version] if certificate else []))

    def _read_schema(self) -> None:
        with self._problems.caught():
            self._sections["schema"].choice((str(_SCHEMA),))

    def _read_thresholds(self) -> None:
        with self._problems.caught():
            section = self._sections.get("thresholds")
            for name, node in (section.mapping() if section else {}).items():
                self._thresholds[name] = Threshold(1)  # defined from here on, whatever is wrong with it
                with self._problems.caught():
                    if not _THRESHOLD.fullmatch(name):
                        raise node.error("is not a valid name of a threshold", "use lower-case letters, digits and _")
                    self._thresholds[name] = _threshold(node)

    def _routing(self) -> Routing:
        return Routing(
            routes=read_queues(self._sections.get("queues"), self._problems),
            harms=read_harms(self._sections.get("harms"), self._problems),
            reasons=read_reasons(self._sections.get("reasons"), self._problems),
        )

    def _budget(self) -> int | None:
        with self._problems.caught():
            return read_budget(self._sections.get("budget"))
        return None

    def _rules(self) -> tuple[Rule, ...]:
        rules: dict[str, Rule] = {}
        with self._problems.caught():
            for node in self._sections["rules"].items():
                with self._problems.caught():
                    rule = self._rule(node)
                    if rule.name in _RESERVED:
                        raise node.error(f"{rule.name!r} is reserved for verdicts without a rule", "choose another")
                    if rule.name in rules:
                        raise node.error(f"{rule.name!r} names an earlier rule too", "give each rule its own name")
                    rules[rule.name] = rule
        return tuple(rules.values())

    def _rule(self, node: YamlNode) -> Rule:
        required = ("name", "when", "then", "reason")
        keys = node.mapping((*required, "category", "despite_abstention"), required)
        category = keys["category"].choice(tuple(Category)) if "category" in keys else None
        despite = keys.get("despite_abstention")
        try:
            return Rule(
                name=keys["name"].matching(NAME, "lower-case words joined by hyphens"),
                when=self._condition(keys["when"]),
                then=Decision(keys["then"].choice(tuple(Decision))),
                category=Category(category) if category else None,
                reason=keys["reason"].text(),
                despite_abstention=despite is not None and despite.flag(),
                certificate=self._certificate,
            )
        except PolicyInvalid as problem:
            if problem.line:
                raise
            at = keys.get(problem.field.rpartition(".")[2], node)
            raise PolicyInvalid(problem.field, problem.problem, problem.remedy, at.line) from None

    def _condition(self, node: YamlNode) -> Condition:
        """All keys of the mapping must hold."""
        keys = node.mapping(("all", "any", "not", "signals", "claims", *_PLAIN))
        if not keys:
            raise node.error("is empty", "name what must hold, such as surfaces or signals")
        return _joined([part for key, value in keys.items() for part in self._parts(key, value)])

    def _parts(self, key: str, node: YamlNode) -> list[Condition]:
        if key == "all":
            return [self._condition(item) for item in node.items()]
        if key == "any":
            return [AnyOf(tuple(self._condition(item) for item in node.items()))]
        if key == "not":
            return [self._condition(node).negated()]
        if key == "signals":
            bounds = node.mapping(SIGNALS)
            if not bounds:
                raise node.error("is empty", "name a signal and its bounds")
            return [part for name, bound in bounds.items() for part in self._bounds(name, bound)]
        if key == "claims":
            return [self._claims(node)]
        return [_PLAIN[key](node)]

    def _bounds(self, signal: str, node: YamlNode) -> list[Condition]:
        keys = node.mapping(("at_least", "below", "low_at_least", "low_below"))
        if not keys:
            raise node.error("has no bounds", "add at_least, below, low_at_least or low_below")
        return [
            SignalBound(signal, self._bound(value), key.endswith("at_least"), key.startswith("low_"))
            for key, value in keys.items()
        ]

    def _claims(self, node: YamlNode) -> Condition:
        keys = node.mapping(("relation", "at_least", "rating", "publisher"), ("relation", "at_least"))
        ratings = keys["rating"].one_or_more() if "rating" in keys else []
        publishers = keys["publisher"].one_or_more() if "publisher" in keys else []
        return ClaimBound(
            relations=frozenset(Relation(item.choice(_RELATIONS)) for item in keys["relation"].one_or_more()),
            threshold=self._bound(keys["at_least"]),
            ratings=frozenset(Rating(item.choice(tuple(Rating), any_case=True)) for item in ratings) or DEBUNKED,
            publishers=frozenset(item.text().casefold() for item in publishers),
        )

    def _bound(self, node: YamlNode) -> Threshold:
        """A number, or a threshold's name."""
        word = node.text()
        if word in self._thresholds:
            return self._thresholds[word]
        if self._thresholds and _THRESHOLD.fullmatch(word):
            node.choice(self._thresholds)  # raises, naming the known ones
        return Threshold(node.number(0, 1))


def _threshold(node: YamlNode) -> Threshold:
    """A number, or a `value` with exceptions."""
    if not node.is_mapping:
        return Threshold(node.number(0, 1))
    keys = node.mapping(("value", "except"), ("value",))
    exceptions = keys["except"].items() if "except" in keys else []
    return Threshold(keys["value"].number(0, 1), tuple(_exception(item) for item in exceptions))


def _exception(node: YamlNode) -> tuple[Condition, float]:
    keys = node.mapping(("value", *_EXCEPTION), ("value",))
    value = keys.pop("value").number(0, 1)
    if not keys:
        raise node.error("fits every post", f"add one of {', '.join(_EXCEPTION)}")
    return _joined([_PLAIN[key](part) for key, part in keys.items()]), value


def _joined(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _words(node: YamlNode) -> Condition:
    keys = node.mapping(("at_least", "below"))
    if not keys:
        raise node.error("has no bounds", "add at_least, below or both")
    minimum = keys["at_least"].whole(1, _MOST_WORDS) if "at_least" in keys else 0
    below = keys["below"].whole(1, _MOST_WORDS) if "below" in keys else None
    if below is not None and below <= minimum:
        raise node.error(f"nothing is at least {minimum} and below {below}", "swap the bounds")
    return Words(minimum, below)


def _abstained(node: YamlNode) -> Condition:
    if isinstance(node.node, yaml.SequenceNode):
        reasons = frozenset(item.matching(_REASON, "one such as ABSTAINED_TOO_SHORT") for item in node.items())
        return Abstained(reasons)
    return Abstained(wanted=node.flag())


def _obfuscation(node: YamlNode) -> Condition:
    counts = node.mapping(("any", *OBFUSCATIONS))
    if not counts:
        raise node.error("is empty", "write kind: least count, such as homoglyph: 3")
    kinds = {"" if kind == "any" else kind: count.whole(1, _MOST_WORDS) for kind, count in counts.items()}
    return _joined([Obfuscation(kind, count) for kind, count in kinds.items()])


def _among(attribute: str, form: re.Pattern[str], example: str) -> Callable[[YamlNode], Condition]:
    def reader(node: YamlNode) -> Condition:
        values = [item.matching(form, example) for item in node.items()]
        return Among(attribute, frozenset(value.lower() if form is LOCALE else value for value in values))

    return reader


_PLAIN: dict[str, Callable[[YamlNode], Condition]] = {
    "surfaces": lambda node: Among("surfaces", node.choices(tuple(Surface))),
    "regions": _among("regions", REGION, REGIONS_LOOK),
    "locales": _among("locales", LOCALE, LOCALES_LOOK),
    "words": _words,
    "digital_source_types": lambda node: Among("digital_source_types", node.choices(SOURCE_TYPES)),
    "abstained": _abstained,
    "obfuscation": _obfuscation,
}
"""Readers of the conditions that hold no others and no thresholds."""

_EXCEPTION = (*ATTRIBUTES, "words")


def _unjudged(node: YamlNode) -> Decision:
    return Decision(node.choice(_UNJUDGED))


def _provisional(node: YamlNode) -> Decision | None:
    word = node.choice(("FAIL", *_UNJUDGED))
    return None if word == "FAIL" else Decision(word)


def _by_surface(
    node: YamlNode | None, reader: Callable[[YamlNode], _Answer], missing: _Answer
) -> dict[Surface, _Answer]:
    """One answer for each surface: the same for all, or by name with `other` for the rest."""
    if node is None:
        return dict.fromkeys(Surface, missing)
    if not node.is_mapping:
        return dict.fromkeys(Surface, reader(node))
    answers = {name: reader(value) for name, value in node.mapping(("other", *Surface), ("other",)).items()}
    return {surface: answers.get(surface, answers["other"]) for surface in Surface}


class PolicyDocuments:
    """Reads documents with one certificate: `governance.ports.PolicyReader`."""

    def __init__(self, certificate: Certificate | None) -> None:
        self._certificate = certificate

    def policy(self, document: str) -> Policy:
        """See `PolicyReader.policy`."""
        return parse(document, self._certificate)

    def plain(self, document: str) -> dict[str, Any]:
        """See `PolicyReader.plain`."""
        return {key: value.plain() for key, value in read(document).mapping().items()}
