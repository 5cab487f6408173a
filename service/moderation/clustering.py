"""Which cluster a text belongs to, given what is known of earlier texts. Pure; finding candidates is the adapters'.

A cluster is named by the content digest of its first text, its representative, and every member is near that one: no
chain of small changes leads from one cluster into another.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.domain.judgement import Judgement
from service.domain.signature import Imprint, near


class Known(NamedTuple):
    """What is known of one text: its cluster, if it was seen before, else likely representatives, likeliest first."""

    cluster: str = ""
    candidates: Mapping[str, Imprint] = {}


def assigned(judgements: Sequence[Judgement], known: Sequence[Known]) -> list[str]:
    """The cluster of each text, in order. One founded within the call is a candidate for the texts after it."""
    founded: dict[str, Imprint] = {}
    clusters: list[str] = []
    for judgement, found in zip(judgements, known, strict=True):
        digest, imprint = judgement.content_digest, judgement.imprint
        cluster = found.cluster or _nearest(imprint, {**found.candidates, **_akin(imprint, founded)}) or digest
        if cluster == digest:
            founded[digest] = imprint
        clusters.append(cluster)
    return clusters


def _akin(imprint: Imprint, founded: Mapping[str, Imprint]) -> dict[str, Imprint]:
    bands = frozenset(imprint.bands)
    return {name: other for name, other in founded.items() if not bands.isdisjoint(other.bands)}


def _nearest(imprint: Imprint, candidates: Mapping[str, Imprint]) -> str:
    """The first that is near; empty where none is."""
    return next((name for name, other in candidates.items() if near(imprint, other)), "")
