"""Assigns texts to clusters by what is known of earlier texts. Pure; adapters find the candidates.

A cluster is named by the content digest of its first text, its representative, and every member is near it: no
chain of small changes leads from one cluster into another.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.domain.judgement import Judgement
from service.domain.text_signature import TextSignature, near


class Known(NamedTuple):
    """What is known of one text: its cluster, if it was seen before, else likely representatives, likeliest first."""

    cluster: str = ""
    candidates: Mapping[str, TextSignature] = {}


def assigned(judgements: Sequence[Judgement], known: Sequence[Known]) -> list[str]:
    """The cluster of each text, in order. One founded within the call is a candidate for the texts after it."""
    founded: dict[str, TextSignature] = {}
    clusters: list[str] = []
    for judgement, found in zip(judgements, known, strict=True):
        digest, text_signature = judgement.content_digest, judgement.text_signature
        cluster = (
            found.cluster or _nearest(text_signature, {**found.candidates, **_akin(text_signature, founded)}) or digest
        )
        if cluster == digest:
            founded[digest] = text_signature
        clusters.append(cluster)
    return clusters


def _akin(text_signature: TextSignature, founded: Mapping[str, TextSignature]) -> dict[str, TextSignature]:
    bands = frozenset(text_signature.bands)
    return {name: other for name, other in founded.items() if not bands.isdisjoint(other.bands)}


def _nearest(text_signature: TextSignature, candidates: Mapping[str, TextSignature]) -> str:
    """The first candidate that is near; empty if none is."""
    return next((name for name, other in candidates.items() if near(text_signature, other)), "")
