"""Labelled texts: the documented JSON-lines schema in, clean rows out.

One gzip (or plain) JSON-lines file a set; its name without suffixes is the set's name. Fields of a line:

| field | meaning |
|---|---|
| text | the post, claim or article; a line without one (claim collections, pairs) is not a training row |
| ai | 1 machine-written, 0 human-written, null unknown |
| misinfo | 1 false or misleading, 0 true, null unknown |
| policy | list of categories, [] benign, null unknown |
| generator, source, kind, lang | who wrote it; set and domain, `set/domain`; post, claim, news ...; ISO language |
| split | train, dev or test |
| licence | as its publisher states it |

Texts are normalised as they are at run time. A text that occurs twice, in one set or two, is kept once: the held-out
copy, so that nothing of dev or test is trained on, with the labels that either copy knows. A training text that is
nearly a held-out one is dropped, and of near-duplicates with the same labels in a set one is kept.

The posts written for this project (`written/posts.jsonl`) are added to the sets of a directory: requests, offers and
threats as feeds have them, harmless talk about the same matters, and plain everyday posts.
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.data.corpus_labels import PRESUMED_TRUE_WEIGHT, PRESUMED_WEIGHT, Targets, row_targets
from classifiers.errors import InputError
from classifiers.labels import LABELS, MISINFORMATION
from classifiers.text.normalise import normalise

SPLITS = ("test", "dev", "train")
"""In the order of precedence among copies of one text."""

EVALUATION_ONLY = frozenset({"liar"})
"""Sets whose licence forbids training on them: their rows are test rows, whatever their lines say."""

WRITTEN = "written"
_WRITTEN_POSTS = Path(__file__).parent / WRITTEN / "posts.jsonl"

_HANDLES = re.compile(r"https?://\S+|@\w+|\brt\b|&\w+;")
_NOT_WORD = re.compile(r"[\W_]+")
_OPENING = 80


class DataError(InputError):
    """A line or set that can't be used; the message names file, line and field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `text` is normalised; `dataset` is the file it came from; `source` its set and domain."""

    text: str
    dataset: str
    source: str
    split: str
    kind: str
    lang: str
    licence: str
    generator: str | None
    ai: float | None
    misinfo: float | None
    policy: tuple[str, ...] | None


def load_rows(
    directory: Path, licences: Sequence[str] | None = None, say: Callable[[str], None] = lambda line: None
) -> list[Row]:
    """Rows of all sets in a directory and of the written posts, each text once.

    `licences`: shell patterns ("MIT", "CC*"); rows whose licence matches none are left out. None takes all.
    `say` gets the sets that lost near-duplicates, and how many. Raises DataError for a line that isn't the schema's, or
    where the directory holds no rows.
    """
    distinct = deduplicate(_all_rows(directory, licences))
    kept = drop_near_duplicates(distinct)
    lost = Counter(row.dataset for row in distinct) - Counter(row.dataset for row in kept)
    say(f"near-duplicates left out of training: {lost.total()}; {dict(sorted(lost.items()))}")
    return kept


def load_held_out(directory: Path, licences: Sequence[str] | None = None) -> list[Row]:
    """The dev and test rows of `load_rows`, without the time for the training rows."""
    return deduplicate(row for row in _all_rows(directory, licences) if row.split != "train")


def deduplicate(rows: Iterable[Row]) -> list[Row]:
    """Each text once, by its letters and digits alone; no training row begins like a held-out one."""
    ordered = sorted(rows, key=lambda row: SPLITS.index(row.split))
    kept: dict[str, Row] = {}
    held_out_openings: set[str] = set()
    for row in ordered:
        key = _key(row.text)
        if key in kept:
            kept[key] = _merge(kept[key], row)
        elif row.split != "train":
            kept[key] = row
            held_out_openings.add(key[:_OPENING])
        elif len(key) < _OPENING or key[:_OPENING] not in held_out_openings:
            kept[key] = row
    return list(kept.values())


def drop_near_duplicates(rows: Sequence[Row]) -> list[Row]:
    """Rows without training rows that are near-duplicates of a held-out one of any set, or of one with the same labels.

    Within training only rows of one set with the same labels are compared: a text and its machine-edited twin
    both stay, as their difference is what is to be learned.
    """
    from classifiers.data.duplicates import NearDuplicates, sketch  # noqa: PLC0415 datasketch takes half a second to import

    kept = [row for row in rows if row.split != "train"]
    held_out = NearDuplicates()
    for row in kept:
        held_out.add(sketch(row.text))
    alike: dict[tuple[object, ...], list[Row]] = {}
    for row in select(rows, "train"):
        alike.setdefault((row.dataset, row.ai, row.misinfo, row.policy), []).append(row)
    for group in alike.values():
        seen = NearDuplicates()
        for row in group:
            found = sketch(row.text)
            if not (held_out.holds(found) or seen.holds(found)):
                seen.add(found)
                kept.append(row)
    return kept


def select(rows: Iterable[Row], split: str) -> list[Row]:
    """Rows of one split."""
    return [row for row in rows if row.split == split]


def sample_per_set(rows: Iterable[Row], per_set: int, seed: int) -> list[Row]:
    """At most `per_set` rows of each set, drawn at random."""
    by_set: dict[str, list[Row]] = {}
    for row in rows:
        by_set.setdefault(row.dataset, []).append(row)
    rng = random.Random(seed)  # noqa: S311  (not a secret)
    return [row for part in by_set.values() for row in (rng.sample(part, per_set) if len(part) > per_set else part)]


def targets(rows: Sequence[Row], *, presume: bool) -> Targets:
    """Targets [n, L], NaN unknown; with `presume`, presumed negatives too (training only, see `corpus_labels`)."""
    columns = [
        row_targets(
            row.text,
            row.dataset,
            row.source,
            row.kind,
            ai=row.ai,
            misinfo=row.misinfo,
            policy=row.policy,
            presume=presume,
        )
        for row in rows
    ]
    return np.stack(columns).astype(np.float32)


def presumed_weights(rows: Sequence[Row]) -> NDArray[np.float32]:
    """Loss weights [n, L]: 1, but less where a target is only presumed, so that these don't drown annotated ones."""
    presumed = np.isnan(targets(rows, presume=False)) & ~np.isnan(targets(rows, presume=True))
    less = [PRESUMED_TRUE_WEIGHT if label == MISINFORMATION else PRESUMED_WEIGHT for label in LABELS]
    return np.where(presumed, np.array(less, np.float32), np.float32(1))


def _all_rows(directory: Path, licences: Sequence[str] | None) -> list[Row]:
    files = sorted(path for path in directory.glob("*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz")))
    rows = _licensed((row for path in files for row in _read(path, path.name.split(".")[0])), licences)
    if not rows:
        raise DataError(f"{directory}: no labelled rows; expected *.jsonl.gz files with `text` (licences: {licences})")
    return rows + _licensed(_read(_WRITTEN_POSTS, WRITTEN), licences)


def _licensed(rows: Iterable[Row], licences: Sequence[str] | None) -> list[Row]:
    return [row for row in rows if licences is None or any(fnmatch(row.licence, pattern) for pattern in licences)]


def _read(path: Path, dataset: str) -> Iterator[Row]:
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                fields = json.loads(line)
                row = _row(dataset, fields) if "text" in fields else None
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise DataError(f"{path.name}, line {number}: {error!r}; see classifiers/data/rows.py") from error
            if row is not None and row.text:
                yield row


def _row(dataset: str, fields: dict[str, object]) -> Row:
    split = "test" if dataset in EVALUATION_ONLY else str(fields["split"])
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}, not one of {SPLITS}")
    policy, generator = fields.get("policy"), fields.get("generator")
    if policy is not None and not isinstance(policy, list):
        raise TypeError(f"policy is {policy!r}, not a list or null")
    return Row(
        text=normalise(str(fields["text"])).text,
        dataset=dataset,
        source=str(fields.get("source") or dataset),
        split=split,
        kind=str(fields.get("kind") or "und"),
        lang=str(fields.get("lang") or "und"),
        licence=str(fields.get("licence") or "none stated"),
        generator=None if generator is None else str(generator),
        ai=_label(fields, "ai"),
        misinfo=_label(fields, "misinfo"),
        policy=None if policy is None else tuple(str(category) for category in policy),
    )


def _label(fields: dict[str, object], name: str) -> float | None:
    value = fields.get(name)
    if not (value is None or (isinstance(value, (int, float)) and value in (0, 1))):
        raise ValueError(f"{name} is {value!r}, not 0, 1 or null")
    return None if value is None else float(value)


def _key(text: str) -> str:
    lowered = text.lower()
    return _NOT_WORD.sub("", _HANDLES.sub("", lowered)) or lowered


def _merge(kept: Row, other: Row) -> Row:
    return replace(
        kept,
        ai=kept.ai if kept.ai is not None else other.ai,
        misinfo=kept.misinfo if kept.misinfo is not None else other.misinfo,
    )
