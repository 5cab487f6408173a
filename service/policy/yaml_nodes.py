"""YAML values with their lines: typed reading of a document, with errors that say where and what to write instead.

Scalars are read as written in the file, not by YAML's guess at a type: the region `NO` stays Norway. Anchors
and aliases are refused. Knows nothing of policies.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from re import Pattern

import yaml

from service.errors import PolicyInvalid

_DEEPEST = 40


@dataclass(slots=True)
class Problems:
    """Collects problems, so that one reading of a document finds more than its first error."""

    found: list[PolicyInvalid] = field(default_factory=list)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Collect a `PolicyInvalid` raised in the block and go on after it."""
        try:
            yield
        except PolicyInvalid as problem:
            self.found.append(problem)

    def raise_any(self) -> None:
        """Raise the first problem by line; the others are its notes (`__notes__`)."""
        if not self.found:
            return
        first, *others = sorted(self.found, key=lambda problem: problem.line)
        for other in others:
            first.add_note(str(other))
        raise first


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A value, the dotted path of its key, and its line (counted from 1)."""

    node: yaml.Node
    path: str

    @property
    def line(self) -> int:
        """Where the value begins."""
        return int(self.node.start_mark.line) + 1

    def error(self, problem: str, remedy: str) -> PolicyInvalid:
        """A problem with this value."""
        return PolicyInvalid(self.path, problem, remedy, self.line)

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys and values."""
        return isinstance(self.node, yaml.MappingNode)

    def mapping(self, allowed: Collection[str] | None = None, required: Collection[str] = ()) -> dict[str, "YamlNode"]:
        """Its values by key; keys among `allowed` (None: any), each once, all of `required` there."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"{self._kind} where keys and values are needed", _one_of(allowed or ("a name",)))
        entries: dict[str, YamlNode] = {}
        for key_node, value in self.node.value:
            name = YamlNode(key_node, self._below("key")).text()
            key = YamlNode(key_node, self._below(name))
            if name in entries:
                raise key.error("occurs twice", "keep one")
            if allowed is not None and name not in allowed:
                raise key.error("is not known here", _one_of(allowed, name))
            entries[name] = YamlNode(value, key.path)
        if missing := [name for name in required if name not in entries]:
            raise YamlNode(self.node, self._below(missing[0])).error("is missing", "add it")
        return entries

    def items(self) -> list["YamlNode"]:
        """The values of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            raise self.error(f"{self._kind} where a list is needed", "write one or more items")
        return [YamlNode(item, f"{self.path}[{index}]") for index, item in enumerate(self.node.value)]

    def one_or_more(self) -> list["YamlNode"]:
        """The values of a list that is not empty, or a single value instead of one."""
        return self.items() if isinstance(self.node, yaml.SequenceNode) else [self]

    def text(self) -> str:
        """A scalar as written in the file, not empty."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.error(f"{self._kind} where text is needed", "write a word or a sentence")
        return str(self.node.value).strip()

    def matching(self, form: Pattern[str], example: str) -> str:
        """Text of the form that `example` describes."""
        word = self.text()
        if not form.fullmatch(word):
            raise self.error(f"{word!r} does not have the expected form", f"write {example}")
        return word

    def number(self, low: float, high: float) -> float:
        """A number in [low, high]."""
        try:
            value = float(self.text())
        except ValueError:
            raise self.error(f"{self.text()!r} is not a number", f"write one from {low:g} to {high:g}") from None
        if not low <= value <= high:
            raise self.error(f"{value:g} is out of range", f"write a number from {low:g} to {high:g}")
        return value

    def whole(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        value = self.number(low, high)
        if value != int(value):
            raise self.error(f"{value:g} is not whole", f"write a whole number from {low} to {high}")
        return int(value)

    def flag(self) -> bool:
        """`true` or `false`."""
        return self.choice(("true", "false")) == "true"

    def choice(self, allowed: Collection[str], *, any_case: bool = False) -> str:
        """One of the allowed words, as spelt there; with `any_case` in capitals or without."""
        word = self.text()
        if any_case:
            word = {each.casefold(): each for each in allowed}.get(word.casefold(), word)
        if word not in allowed:
            raise self.error(f"{word!r} is not known here", _one_of(allowed, word))
        return word

    def choices(self, allowed: Collection[str]) -> frozenset[str]:
        """A list of allowed words."""
        return frozenset(item.choice(allowed) for item in self.items())

    def plain(self) -> object:
        """The value as dicts, lists, numbers and text: the same however it was laid out."""
        if isinstance(self.node, yaml.MappingNode):
            return {key: value.plain() for key, value in self.mapping().items()}
        if isinstance(self.node, yaml.SequenceNode):
            return [YamlNode(item, self.path).plain() for item in self.node.value]
        try:
            return float(self.node.value)
        except ValueError:
            return str(self.node.value).strip()

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    @property
    def _kind(self) -> str:
        if isinstance(self.node, yaml.MappingNode):
            return "holds keys and values"
        return (
            "holds a list"
            if isinstance(self.node, yaml.SequenceNode) and self.node.value
            else "holds " + (repr(self.node.value) if self.node.value else "nothing")
        )


def read(text: str) -> YamlNode:
    """The one document in `text`. Raises `PolicyInvalid` where it isn't YAML, is empty, or uses aliases."""
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PolicyInvalid("document", f"is not YAML: {error.problem}", "fix it there", line) from error
    except yaml.YAMLError as error:
        raise PolicyInvalid("document", f"is not YAML: {error}", "save it as UTF-8 text") from error
    if root is None:
        raise PolicyInvalid("document", "is empty", "start from the shipped default policy")
    return YamlNode(root, "")


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise PolicyInvalid(f"*{event.anchor}", "is an alias", "write the value out, or name a threshold", line)
        if depth > _DEEPEST:
            raise PolicyInvalid("document", f"is nested over {_DEEPEST} deep", "make it flatter", line)


def _one_of(allowed: Collection[str], word: str = "") -> str:
    """What is allowed there, the likeliest first when one is near."""
    by_folded = {each.casefold(): each for each in allowed}
    near = get_close_matches(word.casefold(), by_folded, 1)
    guess = f"did you mean {by_folded[near[0]]}? " if near else ""
    return f"{guess}use one of {', '.join(allowed)}" if len(allowed) > 1 else f"{guess}use {next(iter(allowed))}"
