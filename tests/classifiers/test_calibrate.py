"""`assay calibrate` from end to end: a bundle, posts in, a bundle with another calibration and a certificate out."""

import hashlib
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from classifiers.bundle import BundleError, load_bundle, read_manifest, version_of, write_bundle
from classifiers.calibration.certificates import Certificate
from classifiers.cli import app
from classifiers.data.rows import Row
from classifiers.detector import Detector, Document

POSTS = 900


@pytest.fixture(scope="module")
def posts(corpus: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Posts put together from the texts of two training rows each, with the labels that both share."""
    path = tmp_path_factory.mktemp("posts") / "posts.jsonl"
    rng, rows = random.Random(3), [row for row in corpus if row.ai is not None and row.misinfo is not None]
    with path.open("w") as file:
        for _ in range(POSTS):
            first = rng.choice(rows)
            second = rng.choice([row for row in rows if (row.ai, row.misinfo) == (first.ai, first.misinfo)])
            labels = {"ai_generated": first.ai, "labels": {"misinformation": first.misinfo}}
            surface = rng.choice(["feed", "ad"])
            file.write(
                json.dumps({"text": f"{first.text} {second.text}", "surface": surface, "lang": "en"} | labels) + "\n"
            )
    return path


def calibrate(*options: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, options)], catch_exceptions=False)


@pytest.fixture(scope="module")
def calibrated(bundle_dir: Path, posts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("calibrated") / "own"
    options = (
        "--data",
        posts,
        "--model",
        bundle_dir,
        "--out",
        out,
        "--alpha",
        0.1,
        "--prevalence",
        "ai_generated=0.01",
    )
    return out, calibrate(*options)


def test_it_prints_the_table_and_writes_a_bundle_of_a_new_version(
    bundle_dir: Path, calibrated: tuple[Path, Result]
) -> None:
    out, result = calibrated
    assert result.exit_code == 0, result.output
    assert "| ai_generated   | ad      | 21-40" in result.stdout
    assert "ECE before" in result.stdout
    assert f"ASSAY_MODEL={out}" in result.stdout
    before, after = load_bundle(bundle_dir), load_bundle(out)
    assert before.version != after.version
    assert after.version == version_of(after.manifest) in result.stdout
    assert after.version in (out / "MODEL_CARD.md").read_text()
    certificate = after.parts.certificate
    assert certificate is not None
    assert (certificate.model_version, certificate.alpha) == (after.version, 0.1)
    assert (certificate.surfaces, certificate.data) == (("ad", "feed"), "posts.jsonl")
    assert any(cell.upper is not None for cell in certificate.cells)
    assert all(cell.upper is None for cell in certificate.cells if cell.bucket < 2)


def test_certifying_posts_are_not_those_that_were_fitted(calibrated: tuple[Path, Result]) -> None:
    certificate = Certificate.from_json((calibrated[0] / "certificate.json").read_text())
    assert 0.35 * POSTS < certificate.rows < 0.65 * POSTS


def test_the_detector_corrects_for_the_prevalence(bundle_dir: Path, calibrated: tuple[Path, Result]) -> None:
    calibration = load_bundle(calibrated[0]).parts.calibration
    assert calibration.feed is not None
    assert calibration.feed[0] == 0.01
    assert calibration.feed[1] == calibration.prevalence[1]
    text = [Document("moreover the vibrant tapestry of communities underscores growth")]
    [reading] = Detector.load(calibrated[0]).score(text)
    plain = calibration.apply([[signal.raw for signal in reading.signals.values()]], [8], calibration.prevalence)
    assert reading.signals["ai_generated"].probability < plain.p[0, 0]
    assert reading.signals["misinformation"].probability == pytest.approx(plain.p[0, 1], abs=1e-6)


def test_labels_without_posts_keep_their_calibration(bundle_dir: Path, calibrated: tuple[Path, Result]) -> None:
    before, after = load_bundle(bundle_dir).parts.calibration, load_bundle(calibrated[0]).parts.calibration
    assert after.curves[2:] == before.curves[2:]
    assert after.curves[0] != before.curves[0]


def test_heads_are_calibrated_for_their_llama(llama_dir: Path, heads_dir: Path, posts: Path, tmp_path: Path) -> None:
    out = tmp_path / "own"
    result = calibrate("--data", posts, "--model", llama_dir, "--heads", heads_dir, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"ASSAY_MODEL={llama_dir} ASSAY_HEADS={out}" in result.stdout
    bundle = load_bundle(llama_dir, out)
    assert bundle.parts.certificate is not None
    assert bundle.parts.certificate.model_version == bundle.version


def test_decisions_make_no_lower_threshold(bundle_dir: Path, posts: Path, tmp_path: Path) -> None:
    decisions, out = tmp_path / "decisions.jsonl", tmp_path / "own"
    with decisions.open("w") as file:
        for line in posts.read_text().splitlines():
            post = json.loads(line)
            false = post["labels"]["misinformation"] == 1
            said = {"decision": "LABEL", "categories": ["MISINFORMATION"]} if false else {"decision": "ALLOW"}
            file.write(
                json.dumps({"text": post["text"], "surface": "feed", "reviewed": ["misinformation"]} | said) + "\n"
            )
    result = calibrate("--from-decisions", decisions, "--model", bundle_dir, "--out", out, "--alpha", 0.1)
    assert result.exit_code == 0, result.output
    certificate = Certificate.from_json((out / "certificate.json").read_text())
    assert "moderators' decisions" in certificate.data
    assert {cell.lower for cell in certificate.cells} == {None}
    assert any(cell.upper is not None for cell in certificate.cells)


@pytest.mark.parametrize(
    ("lines", "options", "complaint"),
    [
        ("{}\n", (), "posts.jsonl, line 1, text: is missing"),
        ("", (), "no posts: give --data or --from-decisions"),
        ('{"text": "lol", "hate": 1}\n', (), "abstains on all 1 posts"),
        ('{"text": "my bus was late again and i missed it", "hate": 1}\n', (), "too few posts to fit any label"),
        ('{"text": "a", "hate": 1}\n', ("--alpha", "0.7"), "--alpha: 0.7"),
        ('{"text": "a", "hate": 1}\n', ("--prevalence", "hat=0.1"), "'hat' is not a label"),
        ('{"text": "a", "hate": 1}\n', ("--prevalence", "hate=often"), "'often' is not a number"),
        ('{"text": "a", "hate": 1}\n', ("--prevalence", "hate=2"), "between 0 and 1"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line(
    bundle_dir: Path, tmp_path: Path, lines: str, options: tuple[str, ...], complaint: str
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text(lines)
    result = calibrate("--data", path, "--model", bundle_dir, "--out", tmp_path / "own", *options)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not (tmp_path / "own").exists()


def test_a_directory_that_holds_something_is_left_alone(bundle_dir: Path, posts: Path, tmp_path: Path) -> None:
    result = calibrate("--data", posts, "--model", bundle_dir, "--out", tmp_path.parent)
    assert result.exit_code == 2
    assert "exists already" in result.stderr


@pytest.mark.parametrize("vouched", [False, True])
def test_a_certificate_of_another_version_is_refused(
    calibrated: tuple[Path, Result], tmp_path: Path, vouched: bool
) -> None:
    copy = Path(shutil.copytree(calibrated[0], tmp_path / "copy"))
    certificate, manifest = copy / "certificate.json", copy / "manifest.json"
    before = hashlib.sha256(certificate.read_bytes()).hexdigest()
    certificate.write_text(certificate.read_text().replace(load_bundle(copy).version, "0" * 16))
    if vouched:
        after = hashlib.sha256(certificate.read_bytes()).hexdigest()
        manifest.write_text(manifest.read_text().replace(before, after))
    with pytest.raises(BundleError, match="made for version '0000" if vouched else "its SHA-256"):
        load_bundle(copy)


def test_a_certificate_is_stamped_with_the_version_that_is_written(
    calibrated: tuple[Path, Result], bundle_dir: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(bundle_dir, tmp_path / "copy"))
    bundle, certificate = load_bundle(copy), load_bundle(calibrated[0]).parts.certificate
    write_bundle(copy, bundle.manifest, replace(bundle.parts, certificate=certificate))
    written = load_bundle(copy)
    assert written.version == bundle.version
    assert written.parts.certificate == (certificate and certificate.of(bundle.version))


def test_a_bundle_without_a_certificate_loads(
    bundle_dir: Path, calibrated: tuple[Path, Result], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(calibrated[0], tmp_path / "copy"))
    parts = replace(load_bundle(bundle_dir).parts, certificate=None)
    write_bundle(copy, read_manifest(copy), parts)
    assert "certificate.json" not in read_manifest(copy).files
    assert not (copy / "certificate.json").exists()
    assert load_bundle(copy).parts.certificate is None
    np.testing.assert_equal(load_bundle(copy).parts.calibration, parts.calibration)
