"""A certificate as the service reads it: the same figures that the classifiers wrote, wherever the bundle lies."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from classifiers.calibration import certificates
from classifiers.calibration.curves import bucket_of
from classifiers.labels import LABELS
from service.domain.post import Surface
from service.errors import InvalidInput
from service.policy.certificate import FILE, WordSpan, load, parse
from service.runtime.settings import Settings
from service.runtime.wiring import connections


def written(surfaces: tuple[str, ...] = ("feed", "ad", "")) -> certificates.Certificate:
    generator = np.random.default_rng(5)
    count = 6000
    truth = (generator.random((count, len(LABELS))) < 0.4).astype(float)
    probabilities = np.clip(truth * 0.5 + generator.random(truth.shape) * 0.5, 0, 1)
    where = [surfaces[index % len(surfaces)] for index in range(count)]
    return certificates.Certificate.fit(
        probabilities,
        truth,
        generator.integers(1, 120, count),
        surfaces=where,
        languages=["en"] * count,
        data="simulated posts",
        alpha=0.05,
    ).of("0123456789abcdef")


def test_what_the_classifiers_write_is_read_equal() -> None:
    wrote = written()
    read = parse(wrote.to_json())
    assert (read.model_version, read.alpha, read.delta) == (wrote.model_version, wrote.alpha, wrote.delta)
    assert (read.data, read.made, read.negatives_needed) == (wrote.data, wrote.made, wrote.negatives_needed)
    assert (read.languages, read.surfaces) == (("en",), ("ad", "any", "feed"))
    assert len(read.bounds) == len(wrote.cells)
    for cell in wrote.cells:
        bound = read.bounds[cell.label, cell.surface, read.spans[cell.bucket]]
        assert asdict(bound) == {name: getattr(cell, name) for name in asdict(bound)}
    assert any(cell.upper for cell in wrote.cells)


def test_spans_are_the_buckets_of_the_classifiers() -> None:
    spans = parse(written().to_json()).spans
    assert list(map(str, spans)) == [
        "0 to 10 words", "11 to 20 words", "21 to 40 words", "41 to 80 words", "81 or more words",
    ]  # fmt: skip
    for index, span in enumerate(spans):
        assert set(bucket_of([span.first, span.last or 10_000]).tolist()) == {index}


def test_a_surface_that_it_does_not_name_is_any() -> None:
    read = parse(written().to_json())
    assert read.bound("hate", Surface.STORY, read.spans[3]) == read.bounds["hate", "any", read.spans[3]]
    assert read.bound("hate", Surface.AD, read.spans[3]) == read.bounds["hate", "ad", read.spans[3]]
    named = parse(written(("feed",)).to_json())
    assert named.bound("hate", Surface.STORY, named.spans[3]) is None


def test_the_version_depends_on_model_and_figures() -> None:
    text = written().to_json()
    assert parse(text).version == parse(text.replace("simulated", "other")).version
    assert parse(text).version != parse(text.replace("0123456789abcdef", "0" * 16)).version
    assert parse(text).version != parse(text.replace('"negatives":', '"negatives":1', 1)).version


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "buckets": "x"}'])
def test_a_file_that_is_no_certificate_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"ASSAY_CERTIFICATE: .*certificate\.json is not a certificate.*calibrate"):
        load(path)


def test_a_threshold_out_of_range_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    text = written().to_json()
    at = text.index('"upper":0.')
    path.write_text(text[:at] + '"upper":7.' + text[at + len('"upper":0.') :])
    with pytest.raises(InvalidInput, match="not within 0 to 1"):
        load(path)


def test_the_settings_name_it_or_the_bundle_holds_it(tmp_path: Path) -> None:
    assert connections.certificate(Settings(model=tmp_path)) is None
    (tmp_path / FILE).write_text(written().to_json())
    in_model = connections.certificate(Settings(model=tmp_path))
    assert in_model is not None
    assert in_model == connections.certificate(Settings(model=Path("/models/llama"), heads=tmp_path))
    assert in_model == connections.certificate(Settings(certificate=tmp_path / FILE))
    assert connections.certificate(Settings(model=tmp_path / "none")) is None
    with pytest.raises(InvalidInput, match=r"ASSAY_CERTIFICATE: .*none can't be read: No such file"):
        connections.certificate(Settings(certificate=tmp_path / "none"))


def test_first_and_last_word_counts_are_shown() -> None:
    assert str(WordSpan(81, None)) == "81 or more words"
