import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from classifiers.text.signature import LEAST_BYTES, text_signature, text_signatures
from service.domain.text_signature import NO_SIGNATURE, TextSignature, near

POSTS = [json.loads(line)["text"] for line in (Path(__file__).parent / "fixture_posts.jsonl").open()]
OFFER = "Limited time only: the miracle patch melts belly fat while you sleep, doctors hate it, order yours today"
REWORDED = "Doctors do not want you to know: wear this patch in bed and the fat on your stomach will be gone by morning"


def of(texts: list[str], vectors: np.ndarray | None = None) -> list[TextSignature]:
    """As the service sees them."""
    return [TextSignature(*found) for found in text_signatures(texts, vectors)]


def found(one: TextSignature, other: TextSignature) -> bool:
    """Whether a lookup by bands proposes the pair and the comparison confirms it."""
    return not set(one.bands).isdisjoint(other.bands) and near(one, other)


def test_of_real_posts_no_two_are_taken_for_the_same() -> None:
    pairs = list(combinations(of(POSTS), 2))
    assert len(pairs) > 8000
    assert not any(near(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        (lambda text: text + "!!", 1.0),
        (str.upper, 1.0),
        (lambda text: text.replace(" ", "  "), 1.0),
        (lambda text: text.replace("e", "3", 1), 0.95),
        (lambda text: text.rsplit(" ", 2)[0], 0.9),
        (lambda text: "RT @someone: " + text, 0.75),
        (lambda text: text + " #wow #news", 0.75),
    ],
    ids=["exclaimed", "shouted", "spaced", "misspelt", "cut", "passed on", "tagged"],
)
def test_real_posts_are_found_again_after_small_changes(change: Callable[[str], str], share: float) -> None:
    pairs = zip(of(POSTS), of([change(text) for text in POSTS]), strict=True)
    assert sum(found(*pair) for pair in pairs) >= share * len(POSTS)


def test_a_paraphrase_is_found_by_its_embedding_alone() -> None:
    said, reworded, other = np.eye(3, 64, dtype=np.float32)
    reworded = said + 0.1 * reworded  # a cosine of .995
    one, two, three = of([OFFER, REWORDED, POSTS[0]], np.stack([said, reworded, other]))
    assert found(one, two)
    assert not found(one, three)
    assert not near(*of([OFFER, REWORDED]))


@pytest.mark.parametrize(("cosine", "share"), [(0.8, 0.09), (0.95, 0.55), (0.98, 0.82), (0.99, 0.93)])
def test_embeddings_share_bands_as_often_as_their_angle_says(cosine: float, share: float) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 2000, 96))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other -= (other * one).sum(axis=1, keepdims=True) * one
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    turned = cosine * one + np.sqrt(1 - cosine**2) * other
    texts = ["some words that are long enough to count"] * 2000
    pairs = list(
        zip(
            text_signatures(texts, one.astype(np.float32)),
            text_signatures(texts, turned.astype(np.float32)),
            strict=True,
        )
    )
    shared = [not set(a.bands[8:]).isdisjoint(b.bands[8:]) for a, b in pairs]
    assert sum(shared) / len(shared) == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("cosine", [0.9, 0.94, 0.96, 0.99])
def test_a_byte_a_dimension_is_enough_to_compare_embeddings(cosine: float) -> None:
    rng = np.random.default_rng(1)
    one = rng.standard_normal(256)
    other = rng.standard_normal(256)
    other -= other @ one / (one @ one) * one
    turned = cosine * one / np.linalg.norm(one) + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)
    first, second = of([OFFER, REWORDED], np.stack([one * 1e-3, turned]).astype(np.float32))
    assert near(first, second) is (cosine >= 0.95)


def test_one_text_and_a_batch_give_the_same() -> None:
    vectors = np.random.default_rng(2).standard_normal((4, 48)).astype(np.float32)
    texts = [OFFER, "ok", "日本の首相は今日辞任を発表した", REWORDED]
    assert text_signatures(texts, vectors) == [
        text_signature(text, vector) for text, vector in zip(texts, vectors, strict=True)
    ]
    assert text_signatures(texts) == [text_signature(text) for text in texts]
    assert text_signatures([]) == []


def test_sizes_are_fixed_and_a_short_text_has_none() -> None:
    full, bare = text_signature(OFFER, np.ones(48, dtype=np.float32)), text_signature(OFFER)
    assert (len(full.bands), len(full.minima), len(full.vector)) == (12, 128, 48)
    assert (len(bare.bands), bare.minima, bare.vector) == (8, full.minima, b"")
    assert text_signature("x" * (LEAST_BYTES - 1), np.ones(48, dtype=np.float32)) == NO_SIGNATURE
    assert text_signature("日本の首相は今日辞任を発表した").bands  # a script without blanks counts by its length


def test_signatures_are_alike_on_every_machine() -> None:
    vector = np.linspace(-1, 1, 48, dtype=np.float32)
    made = text_signature(OFFER, vector)
    assert made.bands[:1] + made.bands[8:] == ("t0486776bdf48abfc8", "m0fb20", "m19b51", "m2e873", "m32663")
    assert made.vector[:3] == bytes([256 - 127, 256 - 122, 256 - 116])
