"""Slices of rows for reports: by length, set, domain and generator, and for fairness by who may be wronged.

A slice is a name and the rows [n] that are in it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration.curves import BUCKETS, bucket_of
from classifiers.data.folds import domain, family
from classifiers.data.rows import Row

Mask = NDArray[np.bool_]
Slice = tuple[str, Mask]

BUCKET_NAMES = (
    f"{BUCKETS[0]} words or fewer",
    *(f"{low + 1}-{high} words" for low, high in pairwise(BUCKETS)),
    f"over {BUCKETS[-1]} words",
)

IDENTITY = re.compile(
    r"\b(women|woman|girls?|men|gay|lesbian|bisexual|queer|trans(gender)?|lgbt\w*|black|white|asian|african|latin[oax]s?"
    r"|hispanics?|mexicans?|arabs?|muslims?|islam\w*|jews?|jewish|christians?|hindus?|immigrants?|migrants?|refugees?"
    r"|disabled|blind|deaf|autistic|elderly|feminis\w+)\b",
    re.IGNORECASE,
)
"""Words for groups of people, as Dixon et al. 2018 (AIES) tested them, and some more."""

WEAPON = re.compile(
    r"\b(guns?|rifles?|pistols?|firearms?|shootings?|weapons?|ammunition|bombs?|bombing|grenades?|missiles?|knife"
    r"|knives|explosives?)\b",
    re.IGNORECASE,
)
CBRN = re.compile(
    r"\b(nuclear|chemicals?|biological|radioactive|radiation|uranium|plutonium|sarin|novichok|anthrax|ricin|bioweapons?"
    r"|chlorine|nerve agents?)\b",
    re.IGNORECASE,
)
SCAM = re.compile(r"\b(scams?|scammers?|fraud\w*|phishing|crypto|bitcoin|giveaways?|invest\w*|banks?)\b", re.IGNORECASE)
GRIEF = re.compile(r"\b(suicid\w*|depress\w+|self.?harm|hurt myself|therap\w+|anxiety|grie\w+)\b", re.IGNORECASE)

TALK = {
    "hate": ("mentions a group of people", IDENTITY),
    "harassment": ("mentions a group of people", IDENTITY),
    "violence": ("mentions a weapon", WEAPON),
    "weapons": ("mentions a weapon", WEAPON),
    "cbrn": ("mentions nuclear, chemical or biological matters", CBRN),
    "fraud": ("mentions money or scams", SCAM),
    "self_harm": ("mentions suicide, depression or therapy", GRIEF),
}
"""Harmless topics of posts that a label's detector may take for the harm."""

_WORD = re.compile(r"[a-z']+")
_SENTENCE = re.compile(r"[.!?]+")
_FEWEST_WORDS = 30
_TAIL = 0.25


def by_bucket(words: NDArray[np.int64]) -> Iterator[Slice]:
    """Slices by word count."""
    bucket = bucket_of(words)
    for index, name in enumerate(BUCKET_NAMES):
        yield name, bucket == index


def by_set(rows: Sequence[Row]) -> Iterator[Slice]:
    """Slices by data set."""
    yield from _by_name([row.dataset for row in rows])


def by_domain(rows: Sequence[Row]) -> Iterator[Slice]:
    """Slices by what rows are about, whatever their set."""
    yield from _by_name([domain(row) for row in rows])


def by_generator(rows: Sequence[Row]) -> Iterator[Slice]:
    """Slices by family of generator: its texts with the human ones of the sets that hold any."""
    families = np.array([family(row.generator) if row.ai and row.generator else "" for row in rows])
    sets, human = np.array([row.dataset for row in rows]), np.array([row.ai == 0 for row in rows])
    for name in sorted(set(families.tolist()) - {""}):
        own = families == name
        yield name, own | (human & np.isin(sets, sets[own]))


def by_writer(rows: Sequence[Row]) -> Iterator[tuple[str, str, Mask]]:
    """Slices (kind, name, rows) of human texts by who may be wronged: kind of text, platform, language, plain style."""
    for kind, names in (
        ("kind of text", [row.kind for row in rows]),
        ("source", [row.dataset for row in rows]),
        ("language", [row.lang for row in rows]),
    ):
        yield from ((kind, name, mask) for name, mask in _by_name(names))
    yield from (("style", name, mask) for name, mask in _plain(rows))


def by_talk(label: str, texts: Sequence[str]) -> Iterator[Slice]:
    """Slices of harmless texts that mention what a label is about, and that don't."""
    if label in TALK:
        name, pattern = TALK[label]
        mentions = np.array([bool(pattern.search(text)) for text in texts])
        yield name, mentions
        yield f"doesn't ({name.removeprefix('mentions ')})", ~mentions


def _plain(rows: Sequence[Row]) -> Iterator[Slice]:
    """Texts in plain words and in short sentences: a proxy, and no more, for non-native and inexperienced writers.

    Plain words: the quarter, of texts of 30 words or more, with the lowest share of different words among their first
    30. Short sentences: the quarter with the fewest words a sentence.
    """
    words = [_WORD.findall(row.text.lower()) for row in rows]
    long = np.array([len(found) >= _FEWEST_WORDS for found in words])
    if not long.any():
        return
    variety = np.array([len(set(found[:_FEWEST_WORDS])) / _FEWEST_WORDS for found in words])
    sentences = np.array([len(_SENTENCE.findall(row.text)) + 1 for row in rows])
    length = np.array([len(found) for found in words]) / sentences
    for name, values in (("few different words", variety), ("short sentences", length)):
        low, high = np.quantile(values[long], [_TAIL, 1 - _TAIL])
        yield name, long & (values <= low)
        opposite = {"few different words": "many different words", "short sentences": "long sentences"}[name]
        yield opposite, long & (values > high)


def _by_name(names: Sequence[str]) -> Iterator[Slice]:
    array = np.array(names)
    for name in sorted(set(names)):
        yield name, array == name
