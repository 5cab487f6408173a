"""The screen: n-gram counting against a plain count, what its two views learn, exact shares, and its file."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from classifiers.metrics import auroc
from classifiers.screen import ngrams
from classifiers.screen.function_words import PLAIN_WORDS, function_word_view
from classifiers.screen.ngram_model import NgramModel
from classifiers.screen.screen import Screen

TOPICS = ("the match was lost in extra time", "stir the soup and add salt", "shares fell as the bank cut rates")
FILLERS = [
    "again",
    "today",
    "we",
    "saw",
    "how",
    "they",
    "said",
    "it",
    "then",
    "some",
    "people",
    "came",
    "along",
    "view",
]


def _posts(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Posts with fillers around one topic's words; targets tell the first topic and, for half of them, the second."""
    generator = np.random.default_rng(seed)
    topics = generator.integers(3, size=n)
    texts = []
    for topic in topics:
        words = [*generator.choice(TOPICS[topic].split(), 3), *generator.choice(FILLERS, 9)]
        texts.append(" ".join(generator.permutation(words)))
    targets = np.stack([topics == 0, topics == 1, topics == 5], axis=1).astype(np.float32)
    targets[: n // 2, 1] = np.nan
    return texts, targets


@pytest.fixture(scope="module")
def screen() -> Screen:
    return Screen.fit(*_posts(600, seed=0), bits=14)


def _plain_grams(text: str) -> Counter[str]:
    """The n-grams that a text should count, spelled out."""
    padded = f" {text.lower()} "
    chars = [padded[i : i + n] for n in ngrams.CHAR_SIZES for i in range(len(padded) - n + 1)]
    words = [f"<{word}>" for word in "".join(c if c.isalnum() or c == "'" else " " for c in padded).split()]
    return Counter([*chars, *words, *(_pair(one, other) for one, other in pairwise(words))])


def _pair(one: str, other: str) -> str:
    """The name of a pair; with a second word of one character it is counted as the word that `count` takes it for."""
    return f"<{other[1:-1]}{one[1:-1]}>" if len(other) == len("<x>") else one + other


@settings(max_examples=50, deadline=None)
@example(["11.1.1"])
@given(st.lists(st.text(st.sampled_from("abc'd 1.é日😀"), max_size=40), min_size=1, max_size=5))
def test_counts_are_those_of_a_plain_count(texts: list[str]) -> None:
    counts = ngrams.count(texts, bits=30)  # Wide enough for no two n-grams to meet.
    for row, text in enumerate(texts):
        found = counts.times[counts.indptr[row] : counts.indptr[row + 1]]
        assert sorted(found.tolist()) == sorted(_plain_grams(text).values())


def test_counts_of_a_text_are_the_same_whatever_the_batch() -> None:
    texts, _ = _posts(700, seed=1)
    together = ngrams.count(texts, bits=18)
    for row in (0, 255, 256, 699):
        alone = ngrams.count([texts[row]], bits=18)
        piece = slice(together.indptr[row], together.indptr[row + 1])
        np.testing.assert_array_equal(together.bucket[piece], alone.bucket)
        np.testing.assert_array_equal(together.times[piece], alone.times)


def test_learns_each_label_from_the_cells_that_are_known(screen: Screen) -> None:
    texts, _ = _posts(300, seed=9)
    topics = np.array([[any(w in t.split() for w in ("match", "extra", "lost")), "soup" in t] for t in texts])
    logits = screen.letters.logits(texts)
    assert logits.dtype == screen.logits(texts).dtype == np.float32
    assert auroc(topics[:, 0], logits[:, 0]) > 0.9
    assert auroc(topics[:, 1], logits[:, 1]) > 0.9


def test_label_without_both_classes_stays_at_zero(screen: Screen) -> None:
    assert not screen.letters.weight[:, 2].any()
    assert screen.bias[2] == 0


def test_sample_weight_zero_leaves_a_cell_out() -> None:
    texts, targets = _posts(200, seed=2)
    poisoned, weights = targets.copy(), np.ones_like(targets)
    poisoned[:60, 0], weights[:60, 0] = 1 - poisoned[:60, 0], 0
    masked = targets.copy()
    masked[:60, 0] = np.nan
    left_out = NgramModel.fit(texts, poisoned, weights, bits=12)
    np.testing.assert_array_equal(left_out.weight, NgramModel.fit(texts, masked, bits=12).weight)


def test_what_tells_one_group_from_another_earns_no_weight_where_groups_have_intercepts() -> None:
    generator = np.random.default_rng(8)
    group, truth = generator.integers(2, size=800), np.zeros(800)
    truth[:] = generator.random(800) < np.where(group, 0.9, 0.1)
    texts = [
        f"{'cats' if of else 'dogs'} {'rather' if machine and generator.random() < 0.4 else 'so'} much"
        for of, machine in zip(group, truth, strict=True)
    ]
    targets, probes = truth[:, None].astype(np.float32), ["cats so much", "dogs so much", "cats rather much"]
    plain = NgramModel.fit(texts, targets, bits=12).logits(probes)[:, 0]
    fixed = NgramModel.fit(texts, targets, None, group[:, None], bits=12).logits(probes)[:, 0]
    assert plain[0] - plain[1] > 3 * abs(fixed[0] - fixed[1])
    assert fixed[2] - fixed[0] > 2 * abs(fixed[0] - fixed[1])


def test_function_words_keep_how_and_drop_what() -> None:
    told = function_word_view("The senator quickly denied 3 claims, and IT was un-believable!! lol")
    assert told == "The x xly xed 9 xs, and IT was x-xable!! lol"
    assert (
        function_word_view("A nurse slowly signed 7 forms, and IT was un-readable!! lol").split()[1:]
        == told.split()[1:]
    )
    assert "senator" not in PLAIN_WORDS


@given(st.text(max_size=60))
def test_the_view_keeps_every_word_a_word(text: str) -> None:
    assert len(function_word_view(text).split()) == len(text.split())


def test_the_function_word_view_carries_over_to_other_topics() -> None:
    generator = np.random.default_rng(4)

    def told(machine: bool, topic: list[str]) -> str:
        frame = "however the {} was really {} and yet {}" if machine else "so my {} got {} again with {}"
        return frame.format(*generator.choice(topic, 3))

    known, fresh = [f"topic{letter}a" for letter in "bcdfghkm"], [f"matter{letter}o" for letter in "pqrstvwz"]
    truth = generator.integers(2, size=300)
    fitted = Screen.fit([told(bool(one), known) for one in truth], truth[:, None].astype(np.float32), bits=12)
    logits = fitted.function_words.logits([function_word_view(told(bool(one), fresh)) for one in truth])
    assert auroc(truth, logits[:, 0]) > 0.95


def test_rare_positives_still_rank_first() -> None:
    texts, targets = _posts(2000, seed=3)
    keep = np.flatnonzero((targets[:, 0] == 0) | (np.arange(2000) % 40 == 0))
    rare = Screen.fit([texts[i] for i in keep], targets[keep, :1], bits=14)
    fresh, truth = _posts(400, seed=4)
    assert auroc(truth[:, 0], rare.logits(fresh)[:, 0]) > 0.95


@given(st.text(max_size=80))
def test_contributions_sum_to_the_logit_less_the_bias(screen: Screen, text: str) -> None:
    shares = screen.contributions(text, 0)
    if not text.strip():
        assert shares == []
        return
    assert sum(weight for *_, weight in shares) == pytest.approx(
        float(screen.logits([text])[0, 0] - screen.bias[0]), abs=1e-4
    )
    assert [text[start:end] for start, end, _ in shares] == text.split()


def test_contributions_name_the_word_that_tells(screen: Screen) -> None:
    text = "then some people said extra soup"
    start, end, _ = max(screen.contributions(text, 0), key=lambda share: share[2])
    assert text[start:end] == "extra"


def test_text_beyond_the_limit_is_not_read(screen: Screen) -> None:
    text = "some people " * 400
    assert len(function_word_view(text)) > ngrams.MOST_CHARS
    letters = screen.letters
    np.testing.assert_array_equal(letters.logits([text]), letters.logits([text[: ngrams.MOST_CHARS]]))
    assert all(weight == 0 for start, _, weight in screen.contributions(text, 0) if start > ngrams.MOST_CHARS)


def test_nothing_and_empty_texts(screen: Screen) -> None:
    assert screen.logits([]).shape == (0, 3)
    assert np.isfinite(screen.logits(["", " ", "\ud83d"])).all()


def test_saved_screen_scores_alike(screen: Screen, tmp_path: Path) -> None:
    path = tmp_path / "screen.safetensors"
    screen.save(path)
    texts, _ = _posts(50, seed=5)
    np.testing.assert_array_equal(Screen.load(path).logits(texts), screen.logits(texts))


def test_shipped_size_stays_below_nine_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "screen.safetensors"
    width = 1 << 18
    views = [
        NgramModel(np.zeros((width, n), np.float32), np.zeros(n, np.float32), np.ones(width, np.float32))
        for n in (10, 2)
    ]
    Screen(*views).save(path)
    assert path.stat().st_size < 9_000_000


def test_files_and_shapes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros((4, 2), np.float16)}, path)
    with pytest.raises(ValueError, match="weight, bias, idf"):
        Screen.load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="not a screen"):
        Screen.load(path)
    flat = {
        f"{view}.{name}": np.zeros(4, np.float16)
        for view in ("letters", "manner")
        for name in ("weight", "bias", "idf")
    }
    save_file(flat, path)
    with pytest.raises(ValueError, match="weight has shape"):
        Screen.load(path)
    with pytest.raises(ValueError, match="targets"):
        Screen.fit(["a"], np.zeros((2, 1), np.float32))
    with pytest.raises(ValueError, match="sample_weight"):
        Screen.fit(["a"], np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="texts"):
        Screen.fit([], np.zeros((0, 1), np.float32))
