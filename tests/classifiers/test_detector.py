import random
from pathlib import Path

import numpy as np
import pytest
import torch

from classifiers.bundle import STARTER, load_bundle, read_manifest
from classifiers.detector import LANGUAGE, TOO_SHORT, Detector, Document
from classifiers.labels import LABELS
from classifiers.network.branch import LlamaBranch
from classifiers.text.normalise import normalise, word_count

TEXTS = [
    "moreover the vibrant tapestry of communities underscores a pivotal journey that fosters meaningful growth",
    "lol ok so my bus was late again and i missed the game u guys wont believe this rain",
    "hoax cure secret they hide microchips miracle banned lol my coffee",
    "hi",
    "",
    "Ünïcode 🙃 und Ähnliches: “Zitat” … 漢字かな混じり文 \u0430pple",  # a Cyrillic letter in the last word
    "vermin subhuman filthy invaders " * 60,
]


def documents(texts: list[str]) -> list[Document]:
    return [Document(text) for text in texts]


def test_readings_keep_the_order_and_all_labels(detector: Detector) -> None:
    readings = detector.score(documents(TEXTS))
    again = detector.score(documents(TEXTS[::-1]))[::-1]
    for reading, other in zip(readings, again, strict=True):
        assert tuple(reading.signals) == LABELS
        assert reading.words == other.words
        for label, signal in reading.signals.items():
            assert 0 <= signal.low <= signal.probability <= signal.high <= 1
            assert signal.raw == pytest.approx(other.signals[label].raw, abs=0.02)


def test_a_text_reads_alike_whatever_shares_its_pack(detector: Detector) -> None:
    together = detector.score(documents(TEXTS * 30))
    for text, reading in zip(TEXTS, together, strict=False):
        (alone,) = detector.score([Document(text)])
        for label in LABELS:
            assert alone.signals[label].raw == pytest.approx(reading.signals[label].raw, abs=0.02)
            assert alone.signals[label].probability == pytest.approx(reading.signals[label].probability, abs=0.01)


def test_it_learned_what_the_tiny_sets_teach(detector: Detector) -> None:
    machine, human, false, *_ = detector.score(documents(TEXTS))
    assert machine.signals["ai_generated"].raw > human.signals["ai_generated"].raw
    assert false.signals["misinformation"].raw > human.signals["misinformation"].raw


def test_short_texts_abstain(detector: Detector) -> None:
    readings = detector.score(documents(["four words are short", "five words are just enough", ""]))
    assert [reading.abstain for reading in readings] == [(TOO_SHORT,), (), (TOO_SHORT,)]


def test_other_languages_abstain_and_are_scored_all_the_same(detector: Detector) -> None:
    spanish = "El gobierno anunció nuevas medidas económicas para el próximo trimestre."
    readings = detector.score(documents([spanish, "hola a todos amigos", TEXTS[1]]))
    assert [reading.abstain for reading in readings] == [(LANGUAGE,), (TOO_SHORT,), ()]
    assert [reading.language for reading in readings][::2] == ["es", "en"]
    assert all(tuple(reading.signals) == LABELS for reading in readings)


def test_explanations_add_up_to_the_fused_logit_and_cut_no_character(detector: Detector) -> None:
    rng = random.Random(11)
    pieces = [
        "vermin", "invaders", "microchips", "hoax", "moreover", "tapestry", "\U0001f469\u200d\U0001f680", "👍🏽",
        "cafe\u0301", "Z\u0351\u036ba\u0322lgo", "ﬁne", "ﷺ", "\u0430pple", "hel\u200blo", "漢字かな混じり文",
        "العربية", "नमस्ते", "한국어", " \n\t ", "\u00a0", "…", "x" * 30,
    ]  # fmt: skip
    texts = [" ".join(rng.choices(pieces, k=rng.randrange(1, 90))) for _ in range(60)]
    explained = 0
    for text, reading in zip(texts, detector.score(documents(texts)), strict=True):
        raw = text.encode()
        for why in reading.explanations:
            weights = sum(span.weight for span in why.spans)
            assert why.raw == reading.signals[why.label].raw
            assert why.base + why.rest + weights == pytest.approx(why.raw, abs=1e-3)
            assert all(raw[span.start : span.end].decode().strip() for span in why.spans)
        explained += len(reading.explanations)
    assert explained > 20


def test_the_base_is_what_neither_branch_traces_to_words(detector: Detector, bundle_dir: Path) -> None:
    """Every token's and n-gram's share must have reached some word, windows and gates counted."""
    bundle = load_bundle(bundle_dir)
    branch = LlamaBranch(bundle.backbone, bundle.tokenizer, bundle.parts.heads, bundle.manifest.window)
    for text in (TEXTS[0], TEXTS[2], TEXTS[6], "Hoax! " + "they hide a “secret” 👍🏽 cure … " * 40):
        plain = normalise(text).text
        (found,) = branch.find([plain])
        sizes = [len(finding.window.characters) for finding in found]
        words = torch.tensor([word_count(plain)])
        gates = bundle.parts.fusion.shares(words)
        (reading,) = detector.score([Document(text)])
        assert reading.explanations
        for why in reading.explanations:
            column = LABELS.index(why.label)
            kept = [f.logits[column] - f.tokens.shares[:, column].sum() for f in found if f.tokens is not None]
            llama = np.average(kept, weights=sizes)
            untraced = bundle.parts.fusion.bias[column] + gates[0][0, column] * llama
            untraced += gates[1][0, column] * bundle.parts.screen.bias[column]
            assert why.base == pytest.approx(float(untraced), abs=5e-3)


def test_words_carry_what_tells_texts_apart(detector: Detector) -> None:
    """A word's share is what the logit loses, roughly, without it: the signs agree for the weightiest words."""
    text = " ".join([*["moreover the vibrant tapestry of communities underscores growth"] * 3, "lol", "ok"])
    (reading,) = detector.score([Document(text)])
    (why,) = [why for why in reading.explanations if why.label == "ai_generated"]
    best = max(why.spans, key=lambda span: span.weight)
    without = (text.encode()[: best.start] + text.encode()[best.end :]).decode()
    (less,) = detector.score([Document(without)])
    assert less.signals["ai_generated"].raw < reading.signals["ai_generated"].raw


def test_evidence_is_in_bytes_of_the_original(detector: Detector) -> None:
    for text, reading in zip(TEXTS, detector.score(documents(TEXTS)), strict=True):
        raw = text.encode()
        for start, end, bits in reading.surprise:
            assert 0 <= start < end <= len(raw)
            raw[start:end].decode()
            assert bits >= 0
        for span in reading.spans:
            assert raw[span.start : span.end].decode().strip()
            assert span.label in LABELS


def test_obfuscation_is_counted(detector: Detector) -> None:
    (reading,) = detector.score([Document("plain words with one l\u043ekalike letter inside")])
    assert reading.obfuscation == {"homoglyph": 1}


def test_without_explanation_the_signals_are_the_same(detector: Detector) -> None:
    (plain,) = detector.score(documents(TEXTS[:1]), explain=False)
    (explained,) = detector.score(documents(TEXTS[:1]))
    assert plain.signals == explained.signals
    assert not plain.explanations
    assert not plain.surprise
    assert explained.spans
    assert explained.surprise


def test_a_very_long_text_is_read_in_windows(detector: Detector) -> None:
    text = ("moreover the vibrant tapestry of communities " * 460)[:20_000]
    (reading,) = detector.score([Document(text)])
    assert reading.tokens <= 4 * 47
    assert reading.surprise[0][0] == 0
    assert reading.surprise[-1][1] > 19_000


def test_nothing_in_nothing_out(detector: Detector) -> None:
    assert detector.score([]) == []


def test_the_shipped_starter_loads_and_is_small() -> None:
    manifest = read_manifest(STARTER)
    assert manifest.fingerprint is None
    assert sum(path.stat().st_size for path in STARTER.iterdir()) <= 40 * 2**20
    detector = Detector.load()
    (reading,) = detector.score([Document("I hate these people, they are vermin and should be wiped out.")])
    (other,) = detector.score([Document("Lovely morning walk with the dog, then coffee with my sister.")])
    assert reading.signals["hate"].probability > other.signals["hate"].probability
    assert Detector.load().version == detector.version
