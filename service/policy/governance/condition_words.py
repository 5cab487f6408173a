"""Conditions of a rule in plain words, from what a policy document says. Pure, standard library only.

Documents are valid when they come here: `service.policy.document` has read them.
"""

from collections.abc import Mapping
from typing import Any

Condition = Mapping[str, Any]

_LISTS = {
    "surfaces": "surface",
    "regions": "region",
    "locales": "language",
    "languages": "language",
    "digital_source_types": "source type",
    "categories": "category",
    "queues": "queue",
}
_BOUNDS = {
    "at_least": "at least",
    "below": "below",
    "low_at_least": "surely at least",
    "low_below": "surely not at least",
}


def number(value: Any) -> str:
    """A number as people write it; anything else unchanged."""
    if not isinstance(value, float):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.2f}" if round(value, 2) == value else f"{value:.6g}"


def joined(values: Any, word: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    texts = [number(value) for value in (values if isinstance(values, list | tuple) else [values])]
    return f" {word} ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else ""


def phrases(when: Condition) -> dict[str, Any]:
    """The parts of a condition by name: a number, a threshold's name, a list of words, or words."""
    found: dict[str, Any] = {}
    for key, value in when.items():
        match key:
            case "signals":
                found |= {f"{name} {_BOUNDS[kind]}": v for name, kinds in value.items() for kind, v in kinds.items()}
            case "words":
                found |= {f"words {_BOUNDS[kind]}": bound for kind, bound in value.items()}
            case "claims":
                found |= _claims(value)
            case "obfuscation":
                found |= {f"hidden letters ({kind}) at least": count for kind, count in value.items()}
            case "all" | "any":
                found[f"{key} of"] = sorted(f"({condition_words(part)})" for part in value)
            case "not":
                found["not"] = f"({condition_words(value)})"
            case "least_severity":
                found["severity at least"] = value
            case _:
                found[_LISTS.get(key, key)] = sorted(value) if isinstance(value, list) else value
    return found


def condition_words(when: Condition) -> str:
    """The whole condition: `hate at least 0.90 and surface ad or feed`."""
    return " and ".join(f"{name} {joined(value, _joint(name))}" for name, value in sorted(phrases(when).items()))


def changed_conditions(before: Condition, after: Condition) -> list[str]:
    """How a condition changes, a clause for each part."""
    old, new = phrases(before), phrases(after)
    gone = [f"no longer asks for {name} {joined(old[name], _joint(name))}" for name in old if name not in new]
    came = [f"also asks for {name} {joined(new[name], _joint(name))}" for name in new if name not in old]
    moved = [moves(name, old[name], new[name]) for name in old if name in new and old[name] != new[name]]
    return [*moved, *came, *gone]


def moves(name: str, old: Any, new: Any) -> str:
    """How one value changes: `hate at least falls from 0.90 to 0.80`."""
    if isinstance(old, float) and isinstance(new, float):
        return f"{name} {'falls' if new < old else 'rises'} from {number(old)} to {number(new)}"
    if isinstance(old, list) and isinstance(new, list):
        gains, loses = [v for v in new if v not in old], [v for v in old if v not in new]
        told = [f"gains {joined(gains, 'and')}"] if gains else []
        told += [f"loses {joined(loses, 'and')}"] if loses else []
        return f"{name} {' and '.join(told) or 'lists the same in another order'}"
    return f"{name} {joined(new)} instead of {joined(old)}"


def _claims(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {f"a claim that it {joined(value['relation'])} at least": value["at_least"]}
    for key, name in (("rating", "claim rated"), ("publisher", "claim checked by")):
        if key in value:
            found[name] = value[key] if isinstance(value[key], list) else [value[key]]
    return found


def _joint(name: str) -> str:
    return "and" if name == "all of" else "or"
