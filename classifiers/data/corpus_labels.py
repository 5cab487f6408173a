"""What each training set annotates, and doesn't annotate, of each label.

Targets are float32 with NaN for "unknown": a set that annotates hate alone says nothing of fraud. Two kinds of negative
exist. An annotated one: the set's annotators looked for the label and didn't find it. A presumed one, for training
only: no one asks for a bomb recipe in a film review, so the texts of some kinds count as negative for labels no one
looked for. Likewise an everyday post that claims nothing about public matters isn't misinformation, though no
fact-checker saw it.
"""

import re
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
"""Policy labels of a set's own categories; other categories (advice, privacy ...) are not labels."""

ANNOTATES: Mapping[str, frozenset[str]] = {
    "davidson_hate": frozenset({"hate", "harassment"}),
    "edos_sexism": frozenset({"hate", "violence"}),
    "harm_prompts": frozenset({"hate", "harassment", "violence", "self_harm", "sexual", "weapons", "cbrn", "fraud"}),
    "hatemoji": frozenset({"hate"}),
    "sdcnl_selfharm": frozenset({"self_harm"}),
    "stormfront_hate": frozenset({"hate"}),
    "tweeteval/hate": frozenset({"hate"}),
    "tweeteval/offensive": frozenset({"harassment"}),
    "written": _ALL,
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

_NAMES_EVERY_LABEL = frozenset({"written"})
"""Sets whose rows name every label that holds; only hate and harassment, which shade into each other, overlap there."""

_SHADING = frozenset({"hate", "harassment"})

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

CIVIL: frozenset[str] = frozenset(
    {"tweeteval/emoji", "showerthoughts/reddit", "covid_constraint", "image_verification"}
)
"""Sets, or parts of them, whose posts are presumed free of hate and harassment."""

EVERYDAY: frozenset[str] = frozenset({"tweeteval/emoji", "showerthoughts/reddit"})
"""Parts whose posts are presumed to claim nothing false, unless they touch a public matter."""

PERSONAL: frozenset[str] = frozenset(
    {"tweeteval/emotion", "tweeteval/irony", "tweeteval/sentiment", "tweepfake", "sdcnl_selfharm"}
)
"""Likewise, but only posts about their writer or to their reader: the others often relay news."""

_PUBLIC_MATTER = re.compile(
    r"https?://|www\.|\d%|\b(?:breaking|news|report\w*|sources?|according|claim\w*|study|studies|scien\w*|expert\w*|"
    r"doctors?|vaccin\w*|vax\w*|virus\w*|corona\w*|covid\w*|pandemic|ebola|cancer|cures?|5g|climate|warming|conspira\w*|"
    r"hoax\w*|fake|rumou?rs?|truth|facts?|lies|lied|lying|media|cnn|fox|bbc|government|president|minister|senat\w*|congress|"
    r"parliament|elect\w*|vot(?:e|es|ed|er|ers|ing)|ballot\w*|campaign\w*|polls?|politic\w*|democrat\w*|republican\w*|"
    r"liberals?|gop|maga|trump\w*|obama\w*|biden|hillary|clinton|bernie|putin|russia\w*|ukrain\w*|syria\w*|israel\w*|"
    r"palestin\w*|iran\w*|iraq|isis|china|chinese|cuba\w*|castro|brexit|immigra\w*|refugee\w*|muslim\w*|islam\w*|jews?|"
    r"jewish|abortion|feminis\w*|terror\w*|attack\w*|shoot\w*|police|killed|died|dead|death|war|troops|army|protest\w*|"
    r"crime|arrest\w*|court|law|tax\w*|fbi|cia|nasa|bill gates)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:i|i'm|im|i've|ive|i'll|i'd|me|my|mine|myself|we|our|us|you|u|your|ur|lol|omg)\b", re.IGNORECASE
)

PRESUMED_WEIGHT, PRESUMED_TRUE_WEIGHT = 0.5, 0.2
"""Loss weights of a presumed negative (an annotated one has 1): of a policy label, and of misinformation, where more
costs ranking among texts that do claim something."""


def row_targets(
    text: str,
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
    part = "/".join(source.split("/")[:2])
    annotated = ANNOTATES.get(dataset) or ANNOTATES.get(part, frozenset())
    if policy is not None:
        unsure = frozenset[str]().union(*(OVERLAPS.get(category, frozenset()) for category in policy))
        _set(targets, annotated - (unsure & _SHADING if dataset in _NAMES_EVERY_LABEL else unsure), 0.0)
    if presume and not policy:
        _set(targets, _presumed_absent(dataset, part, kind) - annotated, 0.0)
    if presume and _claims_nothing(text, dataset, part, kind):
        _set(targets, (MISINFORMATION,), 0.0)
    for category in policy or ():
        _set(targets, MEANING.get(category, ()), 1.0)
    _know(targets, AI_GENERATED, ai)
    _know(targets, MISINFORMATION, misinfo)
    return targets


def _presumed_absent(dataset: str, part: str, kind: str) -> frozenset[str]:
    """Policy labels presumed absent; sets gathered for their abuse aren't ordinary posts."""
    ordinary = kind == "post" and dataset not in _ROUGH
    civil = dataset in CIVIL or part in CIVIL
    return (
        PRESUMED_ABSENT.get(kind, frozenset())
        | (_RARE_IN_ORDINARY_POSTS if ordinary else frozenset())
        | (_SHADING if civil else frozenset())
    )


def _claims_nothing(text: str, dataset: str, part: str, kind: str) -> bool:
    """Whether a text is everyday talk that makes no claim."""
    if kind == "review":
        return True
    everyday = dataset in EVERYDAY or part in EVERYDAY
    personal = (dataset in PERSONAL or part in PERSONAL) and _PERSONAL.search(text) is not None
    return (everyday or personal) and _PUBLIC_MATTER.search(text) is None


def _set(targets: Targets, labels: Sequence[str] | frozenset[str], value: float) -> None:
    for label in labels:
        targets[_COLUMN[label]] = value


def _know(targets: Targets, label: str, value: float | None) -> None:
    if value is not None:
        targets[_COLUMN[label]] = value
