"""The difference between two policy documents in plain words, for whoever approves it. Pure.

Compares what valid documents say, not how they are laid out. Two documents of different versions always have a
difference, if only that nothing is decided otherwise.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.decision import Category, Decision
from service.domain.post import Surface
from service.policy.governance.condition_words import changed_conditions, condition_words, joined, moves, number
from service.policy.routing import HARMS

Document = Mapping[str, Any]

_DEFAULTS = {
    "abstained": ("posts on which the classifiers abstain", "REVIEW"),
    "provisional": ("posts that no worker judged in time", "FAIL"),
    "set_aside": ("posts that stopped the model", "REVIEW"),
}
_NAMED = {"name": "name", "description": "description"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: the section of the document, what is changed in it (a rule's name ...), and a sentence."""

    section: str
    subject: str
    words: str

    def __str__(self) -> str:
        return self.words


def differences(before: Document, after: Document) -> list[Difference]:
    """What changes from one to the other, in the order of the sections."""
    if before == after:
        return []
    sections = (_named, _thresholds, _rules, _defaults, _test_string, _budget, _queues, _harms, _reasons)
    found = [difference for section in sections for difference in section(before, after)]
    same = "The document says the same in another way or order; nothing is decided otherwise."
    return found or [Difference("document", "", same)]


def _named(before: Document, after: Document) -> Iterator[Difference]:
    for key, what in _NAMED.items():
        if before[key] != after[key]:
            yield Difference(key, "", f"The {what} is now “{number(after[key])}”, not “{number(before[key])}”.")


def _thresholds(before: Document, after: Document) -> Iterator[Difference]:
    old, new = (_threshold_map(document) for document in (before, after))
    for name in sorted(old.keys() | new.keys()):
        where = _users(name, after if name in new else before)
        if name not in new:
            yield Difference("thresholds", name, f"Threshold {name} ({number(old[name]['value'])}) is gone{where}.")
        elif name not in old:
            yield Difference("thresholds", name, f"New threshold {name}: {number(new[name]['value'])}{where}.")
        else:
            for clause in _threshold_changes(old[name], new[name]):
                yield Difference("thresholds", name, f"Threshold {name} {clause}{where}.")


def _threshold_map(document: Document) -> dict[str, Document]:
    return {
        name: value if isinstance(value, Mapping) else {"value": value}
        for name, value in document.get("thresholds", {}).items()
    }


def _threshold_changes(old: Document, new: Document) -> Iterator[str]:
    if old["value"] != new["value"]:
        yield moves("", old["value"], new["value"]).strip()
    exceptions, others = _exceptions(old), _exceptions(new)
    for condition, value in others.items():
        if condition not in exceptions:
            yield f"is {number(value)} for {condition}"
        elif exceptions[condition] != value:
            yield moves(f"for {condition}", exceptions[condition], value)
    for condition, value in exceptions.items():
        if condition not in others:
            yield f"is no longer {number(value)} for {condition}"
    if list(exceptions) != list(others) and exceptions == others:
        yield "asks for its exceptions in another order"


def _exceptions(threshold: Document) -> dict[str, float]:
    found = threshold.get("except", ())
    return {condition_words({k: v for k, v in item.items() if k != "value"}): item["value"] for item in found}


def _users(name: str, document: Document) -> str:
    """Which rules name the threshold."""
    rules = [rule["name"] for rule in document["rules"] if name in set(_values(rule["when"]))]
    return f" (rule{'s' if len(rules) > 1 else ''} {joined(rules, 'and')})" if rules else " (no rule names it)"


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    else:
        yield value


def _rules(before: Document, after: Document) -> Iterator[Difference]:
    old, new = ({number(rule["name"]): rule for rule in document["rules"]} for document in (before, after))
    for name, rule in new.items():
        if name not in old:
            yield Difference("rules", name, f"New rule {name}: {_rule_words(rule)}.")
        for clause in _rule_changes(old[name], rule) if name in old else ():
            yield Difference("rules", name, f"Rule {name}: {clause}.")
    for name, rule in old.items():
        if name not in new:
            yield Difference("rules", name, f"Rule {name} is gone: {_rule_words(rule)}.")


def _rule_words(rule: Document) -> str:
    category = f" ({rule['category']})" if "category" in rule else ""
    return f"{rule['then']}{category} for {condition_words(rule['when'])}{_despite(rule)}"


def _despite(rule: Document) -> str:
    return ", even where the classifiers abstain" if rule.get("despite_abstention") == "true" else ""


def _rule_changes(old: Document, new: Document) -> Iterator[str]:
    if old["then"] != new["then"]:
        stricter = Decision(new["then"]).severity > Decision(old["then"]).severity
        yield f"{new['then']} instead of {old['then']} ({'stricter' if stricter else 'milder'})"
    if old.get("category") != new.get("category"):
        yield f"category {new.get('category', 'none')} instead of {old.get('category', 'none')}"
    yield from changed_conditions(old["when"], new["when"])
    if _despite(old) != _despite(new):
        yield f"is {'now' if _despite(new) else 'no longer'} applied where the classifiers abstain"
    if old["reason"] != new["reason"]:
        yield f"reason “{number(new['reason'])}” instead of “{number(old['reason'])}”"


def _defaults(before: Document, after: Document) -> Iterator[Difference]:
    for key, (posts, missing) in _DEFAULTS.items():
        old, new = (_by_surface(document["defaults"].get(key, missing)) for document in (before, after))
        changes: dict[tuple[str, str], list[str]] = {}
        for surface in Surface:
            if old[surface] != new[surface]:
                changes.setdefault((old[surface], new[surface]), []).append(surface)
        for (was, now), surfaces in changes.items():
            where = "everywhere" if len(surfaces) == len(Surface) else f"on {joined(surfaces, 'and')}"
            yield Difference("defaults", key, f"For {posts}, {where}: {now} instead of {was}.")


def _by_surface(answer: Any) -> dict[Surface, str]:
    if isinstance(answer, Mapping):
        return {surface: answer.get(surface.value, answer["other"]) for surface in Surface}
    return dict.fromkeys(Surface, answer)


def _test_string(before: Document, after: Document) -> Iterator[Difference]:
    heard, now = (document.get("test_string", "true") == "true" for document in (before, after))
    if heard != now:
        yield Difference("test_string", "", f"The test string is {'now' if now else 'no longer'} recognised.")


def _budget(before: Document, after: Document) -> Iterator[Difference]:
    was, now = (_actions(document) for document in (before, after))
    if was != now:
        words = f"Automatic actions a day: {number(now)} instead of {number(was)}."
        yield Difference("budget", "automatic_actions_per_day", words)


def _actions(document: Document) -> Any:
    return document.get("budget", {}).get("automatic_actions_per_day", "no limit")


def _queues(before: Document, after: Document) -> Iterator[Difference]:
    old, new = ([(route["queue"], _route_words(route)) for route in d.get("queues", ())] for d in (before, after))
    came, gone = Counter(new) - Counter(old), Counter(old) - Counter(new)
    for queue, words in came.elements():
        yield Difference("queues", queue, f"Queue {queue} takes cases of {words}.")
    for queue, words in gone.elements():
        yield Difference("queues", queue, f"Queue {queue} no longer takes cases of {words}.")
    if not came and not gone and old != new:
        yield Difference("queues", "", f"Queues are matched in another order: {joined([q for q, _ in new], 'and')}.")


def _route_words(route: Document) -> str:
    return condition_words({key: value for key, value in route.items() if key != "queue"})


def _harms(before: Document, after: Document) -> Iterator[Difference]:
    old, new = ({**HARMS, **document.get("harms", {})} for document in (before, after))
    for category in Category:
        if old[category] != new[category]:
            words = moves(f"The harm of {category}", float(old[category]), float(new[category]))
            yield Difference("harms", category, f"{words}.")


def _reasons(before: Document, after: Document) -> Iterator[Difference]:
    old, new = ({str(r["name"]): r for r in document.get("reasons", ())} for document in (before, after))
    for name, reason in new.items():
        if name not in old:
            yield Difference("reasons", name, f"New reason {name}: “{number(reason['text'])}”.")
        for key in ("text", "category", "rationale", "decision") if name in old else ():
            was, now = (_told(r, key) for r in (old[name], reason))
            if was != now:
                yield Difference("reasons", name, f"Reason {name}: {key} “{now}” instead of “{was}”.")
    for name in old:
        if name not in new:
            yield Difference("reasons", name, f"Reason {name} is gone.")
    if old.keys() == new.keys() and list(old) != list(new):
        yield Difference("reasons", "", f"Reasons are in another order: {joined(list(new), 'and')}.")


def _told(reason: Document, key: str) -> str:
    return number(reason.get(key, "optional" if key == "rationale" else "none"))
