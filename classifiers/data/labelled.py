"""A platform's own labelled posts, and its moderators' decisions, as JSON lines: what `assay calibrate` learns from.

A labelled post has `text`, any labels as fields of their own or below `labels` (1 it holds, 0 it doesn't, null or
missing unknown), and may say its `surface` (feed, ad ...) and its `lang` (BCP 47).

A decision is a post that a person decided: `text`, `surface`, `decision` (ALLOW, LABEL, REDUCE or BLOCK; REVIEW is not
final),  `categories` as verdicts name them, and maybe `reviewed`, the labels that the person looked for.

| label | becomes |
|---|---|
| among `categories` | 1 (AI_GENERATED_MISINFORMATION: both its labels) |
| in `reviewed`, not among `categories` | 0 |
| neither, `reviewed` is given | unknown |
| neither, `reviewed` is missing | a policy label: 0, since a reader of a post sees what it holds; others: unknown |

A decision with the category TEST is left out.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.errors import InputError
from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION, POLICY_LABELS
from classifiers.text.normalise import normalise

DECISIONS = ("ALLOW", "LABEL", "REDUCE", "BLOCK")
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    **{label.upper(): (label,) for label in LABELS},
    "AI_GENERATED_MISINFORMATION": (AI_GENERATED, MISINFORMATION),
}
"""Labels of a verdict's category."""

_SURFACE = re.compile(r"[a-z][a-z_]{0,31}")
_MOST_TOLD = 10
Fields = dict[str, object]


class LabelledError(InputError):
    """Lines that can't be used; the message names file, line, field and remedy of each."""


@dataclass(frozen=True, slots=True)
class LabelledPost:
    """One post: normalised text, targets [L] with NaN for unknown; `decided` if a person judged what was flagged."""

    text: str
    targets: NDArray[np.float32]
    surface: str = ""
    lang: str = ""
    decided: bool = False


def read_posts(path: Path) -> list[LabelledPost]:
    """Labelled posts of a file, or of every *.jsonl and *.jsonl.gz in a directory. Raises LabelledError."""
    files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    if not files:
        raise LabelledError(f"{path}: holds no *.jsonl or *.jsonl.gz file; name a file of labelled posts")
    return [post for file in files for post in _read(file, _labelled)]


def read_decisions(path: Path) -> list[LabelledPost]:
    """Posts that moderators decided. Raises LabelledError."""
    return _read(path, _decided)


def _read(path: Path, parse: Callable[[Fields], LabelledPost | None]) -> list[LabelledPost]:
    posts, problems = [], []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            post = parse(_object(line))
        except ValueError as error:
            problems.append(f"{path.name}, line {number}, {error}")
            continue
        if post:
            posts.append(post)
    if problems:
        more = len(problems) - _MOST_TOLD
        raise LabelledError("\n".join([*problems[:_MOST_TOLD], *([f"and {more} more such lines"] if more > 0 else [])]))
    return posts


def _lines(path: Path) -> Iterator[bytes]:
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rb") as lines:
        yield from lines


def _object(line: bytes) -> Fields:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line: is not JSON: {error}; write one object a line") from error
    if not isinstance(fields, dict):
        raise ValueError("line: is not a JSON object; write one object with `text` a line")  # noqa: TRY004  (one kind)
    return fields


def _labelled(fields: Fields) -> LabelledPost:
    text, below = _text(fields), fields.get("labels") or {}
    if not isinstance(below, dict):
        raise ValueError('labels: is not an object; write {"hate": 1, "fraud": 0}')  # noqa: TRY004
    if unknown := sorted(below.keys() - set(LABELS)):
        raise ValueError(f"labels.{unknown[0]}: is not a label; use {', '.join(LABELS)}")
    found = {**{name: fields[name] for name in LABELS if name in fields}, **below}
    for name, value in found.items():
        if value is not None and (not isinstance(value, (int, float)) or value not in {0, 1}):
            raise ValueError(f"{name}: is {value!r}; write 1, 0, or null for unknown")
    known = {name: float(value) for name, value in found.items() if isinstance(value, (int, float))}
    if not known:
        raise ValueError(f"labels: none is known; give at least one of {', '.join(LABELS)}")
    return LabelledPost(text, _targets(known), _surface(fields), str(fields.get("lang") or ""))


def _decided(fields: Fields) -> LabelledPost | None:
    decision, categories = fields.get("decision"), _names(fields, "categories")
    if decision not in DECISIONS:
        raise ValueError(f"decision: is {decision!r}; write one of {', '.join(DECISIONS)}, as the person decided")
    if "TEST" in categories:
        return None
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise ValueError(f"categories: unknown {unknown[0]!r}; use {', '.join(CATEGORIES)}")
    if decision != "ALLOW" and not categories:
        raise ValueError(f"categories: are missing for {decision}; name why the post was acted on")
    reviewed = _names(fields, "reviewed") if "reviewed" in fields else list(POLICY_LABELS)
    if unknown := [name for name in reviewed if name not in LABELS]:
        raise ValueError(f"reviewed: {unknown[0]!r} is not a label; use {', '.join(LABELS)}")
    known = dict.fromkeys(reviewed, 0.0) | {label: 1.0 for name in categories for label in CATEGORIES[name]}
    return LabelledPost(_text(fields), _targets(known), _surface(fields), str(fields.get("lang") or ""), decided=True)


def _names(fields: Fields, key: str) -> list[str]:
    names = fields.get(key) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'{key}: is not a list of names; write ["HATE"], or [] for none')
    return names


def _text(fields: Fields) -> str:
    text = fields.get("text")
    if not isinstance(text, str) or not (plain := normalise(text).text):
        raise ValueError("text: is missing or empty; give the post's text")
    return plain


def _surface(fields: Fields) -> str:
    surface = str(fields.get("surface") or "").strip().lower()
    if surface and not _SURFACE.fullmatch(surface):
        raise ValueError(f"surface: is {fields['surface']!r}; write one such as feed, comment or ad")
    return surface


def _targets(known: Mapping[str, float]) -> NDArray[np.float32]:
    return np.array([known.get(label, np.nan) for label in LABELS], dtype=np.float32)
