"""What each training set says, and doesn't say, about each label.

Targets are float32 with NaN for "unknown": a set that annotates hate alone says nothing of fraud. Two kinds of negative
exist. An annotated one: the set's annotators looked for the label and didn't find it. A presumed one, for training
only: no one asks for a bomb recipe in a film review, so the texts of some kinds count as negative for labels no one
looked for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifiers.labels import AI_GENERATED, LABELS, MISINFORMATION, POLICY_LABELS

Targets = NDArray[np.float32]

_COLUMN = {label: index for index, label in enumerate(LABELS)}
_ALL = frozenset(POLICY_LABELS)

MEANING: Mapping[str, tuple[str, ...]] = {
    **{label: (label,) for label in POLICY_LABELS},
    "hate/threatening": ("hate", "violence"),
    "self-harm": ("self_harm",),
}
"""Policy labels that a set's own category stands for; other categories (advice, privacy ...) are none of ours."""

ANNOTATES: Mapping[str, frozenset[str]] = {
    "davidson_hate": frozenset({"hate", "harassment"}),
    "edos_sexism": frozenset({"hate", "violence"}),
    "harm_prompts": _ALL,
    "hatemoji": frozenset({"hate"}),
    "sdcnl_selfharm": frozenset({"self_harm"}),
    "stormfront_hate": frozenset({"hate"}),
    "tweeteval/hate": frozenset({"hate"}),
    "tweeteval/offensive": frozenset({"harassment"}),
}
"""Labels that the annotators of a set (or of a part of it, `set/part`) looked for."""

OVERLAPS: Mapping[str, frozenset[str]] = {
    "advice": frozenset({"self_harm"}),
    "cbrn": frozenset({"violence", "weapons"}),
    "cybercrime": frozenset({"fraud"}),
    "defamation": frozenset({"harassment", "hate", "fraud"}),
    "harassment": frozenset({"hate", "violence", "sexual", "self_harm"}),
    "hate": frozenset({"harassment", "violence"}),
    "illegal": frozenset({"weapons", "cbrn", "fraud", "violence"}),
    "ip": frozenset({"fraud"}),
    "misinformation": frozenset({"hate", "fraud"}),
    "other-harm": _ALL,
    "privacy": frozenset({"fraud", "harassment"}),
    "self-harm": frozenset({"violence"}),
    "sexual": frozenset({"harassment", "violence"}),
    "violence": frozenset({"weapons", "cbrn", "harassment", "self_harm", "hate"}),
    "weapons": frozenset({"violence", "cbrn"}),
}
"""Labels left unknown on a row of a category, since annotators chose one category where two may hold."""

_RARE_IN_POSTS = frozenset({"weapons", "cbrn", "fraud", "self_harm"})
_RARE_IN_ORDINARY_POSTS = frozenset({"violence", "sexual"})
_ROUGH = frozenset({"davidson_hate", "edos_sexism", "hatemoji", "sdcnl_selfharm", "stormfront_hate"})
PRESUMED_ABSENT: Mapping[str, frozenset[str]] = {
    "post": _RARE_IN_POSTS,
    "claim": _ALL - {"hate", "harassment"},
    "news": _ALL,
    "review": _ALL,
    "essay": _ALL,
}
"""Labels presumed absent (in training, never in evaluation) from a kind of text whose set didn't annotate them."""


def row_targets(
    dataset: str,
    source: str,
    kind: str,
    *,
    ai: float | None,
    misinfo: float | None,
    policy: Sequence[str] | None,
    presume: bool,
) -> Targets:
    """Targets [L] of one row, NaN where nothing is known; `presume` adds the presumed negatives."""
    targets = np.full(len(LABELS), np.nan, dtype=np.float32)
    targets[_COLUMN[AI_GENERATED]] = np.nan if ai is None else ai
    targets[_COLUMN[MISINFORMATION]] = np.nan if misinfo is None else misinfo
    annotated = ANNOTATES.get(dataset) or ANNOTATES.get("/".join(source.split("/")[:2]), frozenset())
    if policy is not None:
        unsure = frozenset[str]().union(*(OVERLAPS.get(category, frozenset()) for category in policy))
        _set(targets, annotated - unsure, 0.0)
    if presume and not policy:
        _set(targets, _presumed_absent(dataset, kind) - annotated, 0.0)
    for category in policy or ():
        _set(targets, MEANING.get(category, ()), 1.0)
    return targets


def _presumed_absent(dataset: str, kind: str) -> frozenset[str]:
    """Labels presumed absent; sets gathered for their abuse aren't ordinary posts."""
    ordinary = kind == "post" and dataset not in _ROUGH
    return PRESUMED_ABSENT.get(kind, frozenset()) | (_RARE_IN_ORDINARY_POSTS if ordinary else frozenset())


def _set(targets: Targets, labels: Sequence[str] | frozenset[str], value: float) -> None:
    for label in labels:
        targets[_COLUMN[label]] = value
