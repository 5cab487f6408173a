"""Features of a post and a claim for the relation classifier: what they share, and what the post says around it.

Words are aligned where they share a stem or their vectors are close. `features` count overlap, denials, hedges and the
like, mostly in the sentence nearest to the claim. `grams` describe the post's manner towards the claim: runs of
one to four words, with words aligned to the claim as one sign, other content words as another, and only function
words and cues kept; so that "no, X did not Y" looks the same whatever X and Y are.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifiers.claims.cues import ALARMS, DEBUNKS, DENIALS, HEDGES, OPENERS, OPPOSITES, REFUTALS
from classifiers.claims.encoder import WordEncoder
from classifiers.claims.stemming import stemmed
from classifiers.claims.words import tokens
from classifiers.screen.function_words import PLAIN_WORDS

BUCKETS = 1 << 15
"""Rows that hashed grams share."""

_ALIGNED = 0.6
_MOST_POST, _MOST_CLAIM, _MOST_SENTENCES, _LONGEST_GRAM, _REACH = 140, 60, 8, 4, 5
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[a-z\"'])\s+[—|-]\s+")
_KEPT = PLAIN_WORDS | REFUTALS | HEDGES | ALARMS


@dataclass(frozen=True, slots=True)
class Comparison:
    """`features` [F] and the rows of the post's grams, each once."""

    features: NDArray[np.float32]
    grams: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Alignment:
    """Shares of the words' masses that are aligned: of the claim's and of the post's; which words of the post are."""

    claim: float
    claim_exact: float
    claim_words: float
    post: float
    post_exact: float
    aligned: frozenset[str]


def compare(encoder: WordEncoder, post: str, claim: str) -> Comparison:
    """Compare `plain` texts."""
    sentences = [part for part in _SENTENCE.split(post) if part.strip()][:_MOST_SENTENCES] or [post]
    of_post, of_claim = tokens(post)[:_MOST_POST], tokens(claim)[:_MOST_CLAIM]
    alignment = _align(encoder, _content(of_post), _content(of_claim))
    vectors = encoder.embed([claim, post, *sentences])
    cosines = vectors[1:] @ vectors[0]
    nearest = int(np.argmax(cosines[1:]))
    sentence = tokens(sentences[nearest])
    features = (
        *_overlap(alignment, cosines),
        *(log1p(len(of_post)), log1p(len(of_claim)), nearest == 0, len(sentences) == 1),
        *_numbers(of_post, of_claim),
        *_denials(of_post, of_claim, sentence, alignment.aligned),
        *_cues(of_post, of_claim, sentence),
    )
    return Comparison(np.array(features, np.float32), _grams(_outline(of_post, alignment.aligned)))


def _content(of_text: Sequence[str]) -> list[str]:
    skipped = PLAIN_WORDS | DENIALS
    return [word.removesuffix("'s") for word in of_text if word[0].isalnum() and word not in skipped] or ["?"]


def _align(encoder: WordEncoder, post: Sequence[str], claim: Sequence[str]) -> _Alignment:
    claim = list(dict.fromkeys(claim))
    claim_places, post_places = encoder.places(claim), encoder.places(post)
    near = encoder.directions(claim_places) @ encoder.directions(post_places).T  # [claim words, post words]
    stems = np.array(stemmed(claim)), np.array(stemmed(post))
    same = stems[0][:, None] == stems[1][None]
    near = np.where(same, 1.0, np.minimum(near, 0.95))
    for_claim, for_post = encoder.masses[claim_places], encoder.masses[post_places]
    best_of_post = near.max(axis=0)
    return _Alignment(
        float(np.average(near.max(axis=1), weights=for_claim)),
        float(np.average(same.any(axis=1), weights=for_claim)),
        float(np.average(near.max(axis=1) > _ALIGNED, weights=for_claim)),
        float(np.average(best_of_post, weights=for_post)),
        float(np.average(same.any(axis=0), weights=for_post)),
        frozenset(word for word, best in zip(post, best_of_post, strict=True) if best > _ALIGNED),
    )


def _overlap(alignment: _Alignment, cosines: NDArray[np.float32]) -> tuple[float, ...]:
    """Shares that are aligned, and cosines of the claim with the post, its nearest sentence and its first."""
    shares = (alignment.claim, alignment.claim_exact, alignment.claim_words, alignment.post, alignment.post_exact)
    whole, best, first = float(cosines[0]), float(cosines[1:].max()), float(cosines[1])
    return (*shares, whole, best, first, whole * alignment.claim_exact)


def _numbers(post: Sequence[str], claim: Sequence[str]) -> tuple[float, ...]:
    """Whether the claim has numbers, what share of them the post has, whether it has others instead."""
    asked, there = ({word for word in of if word[0].isdigit()} for of in (claim, post))
    share = len(asked & there) / len(asked) if asked else 0.5
    return bool(asked), share, bool(asked and there - asked and not asked <= there)


def _denials(
    post: Sequence[str], claim: Sequence[str], sentence: Sequence[str], aligned: Collection[str]
) -> tuple[float, ...]:
    of_claim, of_sentence, of_post = (_count(of, DENIALS) for of in (claim, sentence, post))
    close = sum(
        word in DENIALS and any(after.removesuffix("'s") in aligned for after in sentence[place + 1 : place + _REACH])
        for place, word in enumerate(sentence)
    )
    amounts = (min(of_claim, 2), min(of_sentence, 3), min(of_post, 4), min(close, 2))
    alone = not of_claim
    return (*amounts, bool(of_claim) != bool(of_sentence), bool(of_sentence) and alone, bool(close) and alone)


def _cues(post: Sequence[str], claim: Sequence[str], sentence: Sequence[str]) -> tuple[float, ...]:
    tenth = max(1, len(post)) / 10
    debunks, hedges = _count(post, DEBUNKS), _count(post, HEDGES)
    debunked = (min(_count(sentence, DEBUNKS), 3), min(debunks, 4), min(_count(post[:12], DEBUNKS), 2))
    of_claim_too = (min(_count(claim, DEBUNKS), 2), debunks / tenth)
    hedged = (min(_count(sentence, HEDGES), 4), min(hedges, 5), hedges / tenth, min(_count(claim, HEDGES), 2))
    asked = ("?" in sentence, "?" in post, list(post[-1:]) == ["?"], bool(sentence) and sentence[0] in OPENERS)
    marks = (min(post.count('"'), 4), min(post.count("!"), 3), "?" in claim)
    of_claim = frozenset(claim)
    contrary = sum(not OPPOSITES.get(word, frozenset()).isdisjoint(of_claim - {word}) for word in frozenset(sentence))
    return (*debunked, *of_claim_too, *hedged, *asked, *marks, min(_count(post, ALARMS), 4), contrary)


def _count(of_text: Sequence[str], kind: Collection[str]) -> int:
    return sum(word in kind for word in of_text)


def _outline(post: Sequence[str], aligned: Collection[str]) -> list[str]:
    """The post with what is aligned to the claim as "=", other content words as "x", numbers as "9"."""
    outline = ["^"]
    for word in post:
        sign = _sign(word, aligned)
        if sign not in "x=" or sign != outline[-1]:
            outline.append(sign)
    return [*outline, "$"]


def _sign(word: str, aligned: Collection[str]) -> str:
    is_aligned = word.removesuffix("'s") in aligned
    if word in PLAIN_WORDS or word in DEBUNKS or (word in _KEPT and not is_aligned) or not word[0].isalnum():
        return word
    return "=" if is_aligned else "9" if word[0].isdigit() else "x"


def _grams(outline: Sequence[str]) -> NDArray[np.int64]:
    sizes = range(1, _LONGEST_GRAM + 1)
    runs = chain.from_iterable((outline[start : start + n] for start in range(len(outline) - n + 1)) for n in sizes)
    telling = (run for run in runs if len(run) == 1 or not all(sign in "x=^$" for sign in run))
    return np.array(sorted({crc32(" ".join(run).encode()) % BUCKETS for run in telling}), np.int64)
