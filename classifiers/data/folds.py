"""Leave-one-out folds over sets, domains and generators: a detector on a kind of text that it never learned from.

A fold's rows are left out of training altogether, whatever their set. Sets and domains are held out whole, both
classes. Of a generator, the machine-written rows are held out, with human rows of the same sets: those of the test
split, and where they are few, dev rows and half of the training rows too, which then aren't trained on either.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from classifiers.data.rows import Row
from classifiers.errors import InputError

By = Literal["set", "domain", "generator"]

_FEWEST = 50
_ALONE, _GROUP, _FEWEST_IN_DOMAIN = 250, 600, 100
_FEWEST_HUMANS = 100

# Parts of a `source` that name split, writer or treatment, not the subject.
_NOT_SUBJECT = re.compile(
    r"human|llm|(pre|post)-GPT|train|dev|test|val|valid|validation|paraphrased|polish|rewrite|expand|generation"
    r"|prompt\d+|(test|train)_\w+"
)
_FAMILIES: tuple[tuple[str, str], ...] = (
    (r"gpt-?4o", "gpt-4o"),
    (r"gpt-?4", "gpt-4"),
    (r"gpt-?3", "gpt-3.5"),
    (r"gpt-?2", "gpt-2"),
    (r"gpt-?neo|gpt-?j", "gpt-neo"),
    (r"davinci", "davinci"),
    (r"mistral|mixtral", "mistral"),
    (r"llama|vicuna|alpaca", "llama"),
    (r"gemini|bard|palm", "gemini"),
    (r"qwen", "qwen"),
    (r"flan", "flan-t5"),
)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from (train and dev splits) and rows to measure on, of one left-out part."""

    name: str
    train: tuple[Row, ...]
    held_out: tuple[Row, ...]


def leave_one_out(rows: Sequence[Row], by: By) -> list[Fold]:
    """Folds over rows whose writer is known (human or machine); rows of others are in no fold.

    Parts with too few rows of either class to measure on make no fold; small domains of a set are held out together.
    Raises InputError for an unknown `by`, or where no part has both classes.
    """
    if by not in get_args(By):
        raise InputError(f"--by {by}: not one of {', '.join(get_args(By))}")
    known = [row for row in rows if row.ai is not None]
    folds = _by_generator(known) if by == "generator" else _by_part(known, _part_of(known, by))
    if not folds:
        raise InputError(
            f"--by {by}: no {by} has {_FEWEST} human and {_FEWEST} machine-written rows; add labelled sets"
        )
    return folds


def domain(row: Row) -> str:
    """What a row is about, whatever its set: its source without split, writer and treatment."""
    parts = [part for part in row.source.split("/")[1:] if not _NOT_SUBJECT.fullmatch(part)]
    return "/".join(parts) or row.dataset


def family(generator: str) -> str:
    """The family of a generator's name: "GPT-3-Turbo" and "gpt-3.5-turbo" are one, and so are a model's sizes."""
    lowered = generator.lower()
    for pattern, name in _FAMILIES:
        if re.search(pattern, lowered):
            return name
    return lowered.split("-")[0]


def domains(rows: Iterable[Row]) -> dict[str, str]:
    """The name under which each domain is held out: its own, or that of a group of small ones of a set."""
    known = [row for row in rows if row.ai is not None]
    counts, home = _class_counts(known, domain), {domain(row): row.dataset for row in known}
    names = {name: name for name, sizes in counts.items() if min(sizes) >= _ALONE}
    small: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts.keys() - names.keys()):
        if max(counts[name]) and min(counts[name]) > 0:
            small[home[name]].append(name)
    for dataset, members in small.items():
        for group in _groups(members, counts):
            if min(sum(counts[member][side] for member in group) for side in (0, 1)) >= _FEWEST_IN_DOMAIN:
                name = dataset if group == [dataset] else f"{dataset}: {', '.join(group)}"
                names |= dict.fromkeys(group, name)
    return names


def _groups(members: Sequence[str], counts: dict[str, tuple[int, int]]) -> list[list[str]]:
    """Group small domains until both classes have enough rows; the rest joins the last group."""
    groups: list[list[str]] = [[]]
    for member in members:
        if groups[-1] and min(sum(counts[name][side] for name in groups[-1]) for side in (0, 1)) >= _GROUP:
            groups.append([])
        groups[-1].append(member)
    if len(groups) > 1 and min(sum(counts[name][side] for name in groups[-1]) for side in (0, 1)) < _GROUP / 2:
        last = groups.pop()
        groups[-1] += last
    return groups


def _part_of(rows: Sequence[Row], by: By) -> Callable[[Row], str | None]:
    if by == "set":
        return lambda row: row.dataset
    names = domains(rows)
    return lambda row: names.get(domain(row))


def _by_part(rows: Sequence[Row], part_of: Callable[[Row], str | None]) -> list[Fold]:
    parts = [part_of(row) for row in rows]
    sizes = Counter((part, row.ai) for part, row in zip(parts, rows, strict=True))
    wanted = sorted({part for part in parts if part and min(sizes[part, 0.0], sizes[part, 1.0]) >= _FEWEST})
    return [_fold(rows, name, [part == name for part in parts]) for name in wanted]


def _by_generator(rows: Sequence[Row]) -> list[Fold]:
    families = [family(row.generator) if row.ai and row.generator else None for row in rows]
    folds = []
    for name in sorted({found for found in families if found}):
        sets = Counter(row.dataset for row, found in zip(rows, families, strict=True) if found == name)
        humans = _held_out_humans([row for row in rows if row.ai == 0 and row.dataset in sets])
        held = [found == name or row.text in humans for row, found in zip(rows, families, strict=True)]
        if min(sum(sets.values()), len(humans)) >= _FEWEST:
            folds.append(_fold(rows, name, held))
    return folds


def _held_out_humans(humans: Sequence[Row]) -> set[str]:
    """Texts of human rows to measure on: the test split's, and where they are few, dev's and half of training's."""
    held = {row.text for row in humans if row.split == "test"}
    if len(held) < _FEWEST_HUMANS:
        held |= {row.text for row in humans if row.split == "dev"}
    if len(held) < _FEWEST_HUMANS:
        held |= {row.text for row in humans if hashlib.sha256(row.text.encode()).digest()[0] % 2 == 0}
    return held


def _fold(rows: Sequence[Row], name: str, held: Sequence[bool]) -> Fold:
    train = tuple(row for row, out in zip(rows, held, strict=True) if not out and row.split != "test")
    return Fold(name, train, tuple(row for row, out in zip(rows, held, strict=True) if out))


def _class_counts(rows: Iterable[Row], name_of: Callable[[Row], str]) -> dict[str, tuple[int, int]]:
    """Human and machine-written rows of each name."""
    counts = Counter((name_of(row), row.ai) for row in rows)
    return {name: (counts[name, 0.0], counts[name, 1.0]) for name, _ in counts}
