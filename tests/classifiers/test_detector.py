import pytest

from classifiers.bundle import STARTER, read_manifest
from classifiers.detector import TOO_SHORT, Detector, Document
from classifiers.labels import LABELS

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
    assert not plain.spans
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
