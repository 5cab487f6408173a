"""The optional sections of a policy document on the work of people: queues, harms, reasons, and a budget.

Problems are collected, one in each entry. `service.policy.document` reads the rest of a document.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from service.domain.decision import CONTENT, Category, Decision
from service.domain.post import Surface
from service.domain.validation import REGION
from service.policy.routing import HARMS, Reason, Route
from service.policy.yaml_nodes import Problems, YamlNode

NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
REGIONS_LOOK, LOCALES_LOOK = "ISO 3166-1 codes such as DE", "BCP 47 tags such as en or pt-BR"

_MILDEST, _GRAVEST = 1, 5
_MOST_ACTIONS = 1_000_000_000
_OUTCOMES = tuple(decision for decision in Decision if decision is not Decision.REVIEW)
_CONDITIONS = ("categories", "surfaces", "regions", "languages", "least_severity")
_Entry = TypeVar("_Entry")


def read_queues(section: YamlNode | None, problems: Problems) -> tuple[Route, ...]:
    """The routes, in the order in which they are asked."""
    return tuple(_entries(section, problems, _route))


def read_harms(section: YamlNode | None, problems: Problems) -> Mapping[Category, int]:
    """The severity of each category: as the document says, else the default."""
    harms = dict(HARMS)
    with problems.caught():
        for name, node in (section.mapping(CONTENT) if section else {}).items():
            with problems.caught():
                harms[Category(name)] = node.whole(_MILDEST, _GRAVEST)
    return harms


def read_reasons(section: YamlNode | None, problems: Problems) -> tuple[Reason, ...]:
    """The reasons, in the order in which moderators see them; each name once."""
    seen: set[str] = set()

    def once(node: YamlNode) -> Reason:
        reason = _reason(node)
        if reason.name in seen:
            raise node.error(f"{reason.name!r} names an earlier reason too", "give each reason its own name")
        seen.add(reason.name)
        return reason

    return tuple(_entries(section, problems, once))


def read_budget(section: YamlNode | None) -> int | None:
    """Automatic actions a day; None: unlimited."""
    if section is None:
        return None
    keys = section.mapping(("automatic_actions_per_day",), ("automatic_actions_per_day",))
    return keys["automatic_actions_per_day"].whole(0, _MOST_ACTIONS)


def _entries(section: YamlNode | None, problems: Problems, reader: Callable[[YamlNode], _Entry]) -> list[_Entry]:
    entries: list[_Entry] = []
    with problems.caught():
        for node in section.items() if section else ():
            with problems.caught():
                entries.append(reader(node))
    return entries


def _route(node: YamlNode) -> Route:
    keys = node.mapping(("queue", *_CONDITIONS), ("queue",))
    if len(keys) == 1:
        remedy = f"add one of {', '.join(_CONDITIONS)}; the rest goes to the queue general"
        raise node.error("takes every case", remedy)
    return Route(
        queue=keys["queue"].matching(NAME, "lower-case words joined by hyphens"),
        categories=frozenset(map(Category, _chosen(keys.get("categories"), CONTENT))),
        surfaces=frozenset(map(Surface, _chosen(keys.get("surfaces"), tuple(Surface)))),
        regions=_matching(keys.get("regions"), REGION, REGIONS_LOOK),
        languages=_matching(keys.get("languages"), LOCALE, LOCALES_LOOK),
        least_severity=keys["least_severity"].whole(_MILDEST, _GRAVEST) if "least_severity" in keys else _MILDEST,
    )


def _reason(node: YamlNode) -> Reason:
    keys = node.mapping(("name", "text", "category", "rationale", "decision"), ("name", "text"))
    decision = keys["decision"].choice(_OUTCOMES) if "decision" in keys else None
    rationale = keys["rationale"].choice(("required", "optional")) if "rationale" in keys else "optional"
    return Reason(
        name=keys["name"].matching(NAME, "lower-case words joined by hyphens"),
        text=keys["text"].text(),
        category=Category(keys["category"].choice(CONTENT)) if "category" in keys else None,
        needs_rationale=rationale == "required",
        decision=Decision(decision) if decision else None,
    )


def _chosen(node: YamlNode | None, allowed: tuple[str, ...]) -> frozenset[str]:
    return node.choices(allowed) if node else frozenset()


def _matching(node: YamlNode | None, form: re.Pattern[str], example: str) -> frozenset[str]:
    return frozenset(item.matching(form, example) for item in node.items()) if node else frozenset()
