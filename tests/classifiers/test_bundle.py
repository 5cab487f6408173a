import json
import shutil
from pathlib import Path

import pytest

from classifiers.bundle import BundleError, load_bundle, read_manifest
from classifiers.detector import Detector, Document
from classifiers.labels import LABELS


@pytest.fixture
def copy(bundle_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_dir, tmp_path / "copy"))


def edit(home: Path, **fields: object) -> None:
    path = home / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_bundle_loads_as_it_was_written(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    assert bundle.manifest.labels == LABELS
    assert len(bundle.version) == 16
    assert bundle.version == load_bundle(bundle_dir).version
    assert "model.safetensors" in bundle.manifest.files


@pytest.mark.parametrize("name", ["heads.safetensors", "screen.safetensors", "calibration.json", "model.safetensors"])
def test_an_altered_file_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-2] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"{name}: its SHA-256"):
        load_bundle(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "screen.safetensors").unlink()
    with pytest.raises(BundleError, match=r"screen\.safetensors: missing"):
        load_bundle(copy)


def test_no_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        load_bundle(tmp_path)


def test_another_format_is_refused(copy: Path) -> None:
    edit(copy, format=2)
    with pytest.raises(BundleError, match="format 2"):
        load_bundle(copy)


def test_a_manifest_that_is_none_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("[]")
    with pytest.raises(BundleError, match="not a manifest"):
        read_manifest(copy)


def test_a_manifest_can_t_reach_outside(copy: Path) -> None:
    files = json.loads((copy / "manifest.json").read_text())["files"]
    edit(copy, files=files | {"../outside": "0"})
    with pytest.raises(BundleError, match="names a file elsewhere"):
        load_bundle(copy)


def test_heads_of_another_width_are_refused(copy: Path) -> None:
    heads = json.loads((copy / "manifest.json").read_text())["heads"]
    edit(copy, heads=heads | {"hidden_size": 64})
    with pytest.raises(BundleError, match="don't fit its manifest"):
        load_bundle(copy)


def test_a_backbone_of_another_shape_is_refused(copy: Path) -> None:
    edit(copy, backbone={"hidden_size": 32, "layers": 9, "vocabulary": 600})
    with pytest.raises(BundleError, match="made for a Shape"):
        load_bundle(copy)


def test_heads_work_with_their_llama(llama_dir: Path, heads_dir: Path) -> None:
    detector = Detector.load(llama_dir, heads=heads_dir)
    (reading,) = detector.score([Document("moreover the vibrant tapestry of communities underscores growth")])
    assert set(reading.signals) == set(LABELS)
    assert detector.version != load_bundle(llama_dir, heads_dir).manifest.fingerprint


def test_heads_refuse_another_llama(bundle_dir: Path, heads_dir: Path) -> None:
    with pytest.raises(BundleError, match="give that model"):
        load_bundle(bundle_dir, heads_dir)


def test_heads_alone_ask_for_their_llama(heads_dir: Path) -> None:
    with pytest.raises(BundleError, match="no model is given"):
        load_bundle(heads_dir)


def test_a_full_bundle_is_no_heads_bundle(llama_dir: Path, bundle_dir: Path) -> None:
    with pytest.raises(BundleError, match="brings its own model"):
        load_bundle(llama_dir, bundle_dir)
