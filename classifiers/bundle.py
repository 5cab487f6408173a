"""A bundle on disk: weights, settings and the manifest that vouches for them.

A full bundle is a directory that holds a Hugging Face Llama model as well:

    manifest.json         format, labels, window, what the heads fit, SHA-256 of every file below
    config.json model.safetensors tokenizer.json tokenizer_config.json    (full bundles only)
    heads.safetensors     heads and fusion
    screen.safetensors    the n-gram screen
    adapter.safetensors   low-rank adapter (heads bundles trained with one; its shape is in the manifest)
    calibration.json
    certificate.json      thresholds with a bound (`certificates`); may be missing
    claims.safetensors    what matches claims (`claims.parts`); may be missing
    timeline.json         how an author's posts are weighed (`assay timelines --fit`); may be missing
    MODEL_CARD.md         like timeline.json, which names its version, not in the manifest: it may be corrected

A heads bundle lacks the model; its manifest names the fingerprint of the one it was made for. The version of a loaded
bundle is a digest of everything except the certificate, which names the version that it applies to, and the claim
parts, which affect no signal and have their own version. Nothing is ever
unpickled, and no code is taken from a bundle.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from classifiers.calibration.certificates import Certificate
from classifiers.calibration.curves import Calibration
from classifiers.claims.parts import ClaimParts
from classifiers.errors import InputError
from classifiers.fusion import Fusion
from classifiers.labels import LABELS
from classifiers.network.backbone import Backbone, Shape, fingerprint, load_backbone
from classifiers.network.heads import Heads, HeadsShape
from classifiers.network.lora import Adapter, AdapterShape
from classifiers.network.tokenizer import load_tokenizer
from classifiers.network.windows import WindowRule
from classifiers.screen.screen import Screen

FORMAT = 1
ENGLISH = ("en",)
STARTER = Path(__file__).parent / "starter"
MANIFEST, HEADS, SCREEN, CALIBRATION = (
    "manifest.json",
    "heads.safetensors",
    "screen.safetensors",
    "calibration.json",
)
ADAPTER = "adapter.safetensors"
CERTIFICATE, CARD, TIMELINE = "certificate.json", "MODEL_CARD.md", "timeline.json"
CLAIMS = "claims.safetensors"
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_BLOCK = 1 << 20


class BundleError(InputError):
    """A bundle that can't be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of manifest.json.

    `fingerprint` is that of the model the heads were made for, None in a full bundle; `languages` (ISO 639-1) are those
    that the bundle was trained to judge.
    """

    name: str
    heads: HeadsShape
    backbone: Shape
    window: WindowRule
    files: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    adapter: AdapterShape | None = None
    labels: tuple[str, ...] = LABELS
    languages: tuple[str, ...] = ENGLISH
    format: int = FORMAT
    training: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """The judging parts of a bundle, apart from the network."""

    heads: Heads
    fusion: Fusion
    screen: Screen
    calibration: Calibration
    certificate: Certificate | None = None
    claims: ClaimParts | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a detector needs, loaded and checked."""

    version: str
    manifest: Manifest
    backbone: Backbone
    tokenizer: Tokenizer
    parts: Parts


def load_bundle(model: Path | None = None, heads: Path | None = None, *, device: str = "cpu") -> Bundle:
    """Load the shipped starter (no arguments), a full bundle (`model`), or a Llama directory with a heads bundle.

    Raises BundleError, or BackboneError for the model's own files.
    """
    model = model or STARTER
    home = heads or model
    manifest = read_manifest(home)
    version = _version(manifest, model if heads else None)
    parts = _load_parts(home, manifest)
    if parts.certificate and parts.certificate.model_version != version:
        named = parts.certificate.model_version
        raise BundleError(f"{home / CERTIFICATE}: made for version {named!r}, not {version}; run `assay calibrate`")
    backbone = load_backbone(model, device=device)
    if backbone.shape != manifest.backbone:
        raise BundleError(f"{home / MANIFEST}: made for a {manifest.backbone}, but {model} is a {backbone.shape}")
    if manifest.adapter:
        backbone.adapt(Adapter.load(home / ADAPTER, manifest.adapter))
    parts.heads.to(device)
    return Bundle(version, manifest, backbone, load_tokenizer(model), parts)


def read_manifest(home: Path) -> Manifest:
    """Read and check manifest.json and the digest of every file that it names."""
    path = home / MANIFEST
    if not path.is_file():
        raise BundleError(f"{home}: no {MANIFEST}; give a bundle made by `assay train`, or heads with a plain model")
    try:
        manifest = TypeAdapter(Manifest).validate_json(path.read_bytes())
    except ValidationError as error:
        raise BundleError(f"{path}: not a manifest of format {FORMAT}: {error}") from error
    if manifest.format != FORMAT or tuple(manifest.labels) != LABELS:
        raise BundleError(f"{path}: format {manifest.format} with labels {manifest.labels}; train the bundle again")
    for name in {HEADS, SCREEN, CALIBRATION, *([ADAPTER] if manifest.adapter else [])} - manifest.files.keys():
        raise BundleError(f"{path}: doesn't vouch for {name}; train the bundle again")
    for name, expected in manifest.files.items():
        _check_file(home, name, expected)
    return manifest


def write_bundle(home: Path, manifest: Manifest, parts: Parts) -> Manifest:
    """Write parts and manifest into a directory; the manifest includes a model and an adapter already there."""
    home.mkdir(parents=True, exist_ok=True)
    tensors = {f"heads.{name}": tensor for name, tensor in parts.heads.state_dict().items()}
    tensors |= {f"fusion.{name}": tensor for name, tensor in parts.fusion.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, home / HEADS)
    parts.screen.save(home / SCREEN)
    (home / CALIBRATION).write_text(parts.calibration.to_json() + "\n")
    names = [HEADS, SCREEN, CALIBRATION, *(name for name in MODEL_FILES if (home / name).is_file())]
    names += [ADAPTER] if manifest.adapter else []
    return _seal(home, manifest, names, parts.certificate)


def recalibrate(home: Path, out: Path, calibration: Calibration, certificate: Certificate) -> Manifest:
    """Copy the bundle at `home` to `out`, a new directory, with another calibration and certificate."""
    manifest = read_manifest(home)
    names = sorted(manifest.files.keys() - {CERTIFICATE})
    out.mkdir(parents=True)
    for name in [*names, *([CARD] if (home / CARD).is_file() else [])]:
        shutil.copyfile(home / name, out / name)
    (out / CALIBRATION).write_text(calibration.to_json() + "\n")
    return _seal(out, replace(manifest, name=out.resolve().name), names, certificate)


def write_claims(home: Path, parts: ClaimParts) -> Manifest:
    """Replace the claim parts of the bundle at `home`; its signals and its version do not change."""
    manifest = read_manifest(home)
    parts.save(home / CLAIMS)
    sealed = replace(manifest, files={**manifest.files, CLAIMS: _digest(home / CLAIMS)})
    (home / MANIFEST).write_text(json.dumps(asdict(sealed), indent=1) + "\n")
    (home / CLAIMS).chmod(0o644)
    return read_manifest(home)


def version_of(manifest: Manifest) -> str:
    """The version of a bundle, with the model that it was made for."""
    apart = {CERTIFICATE, CLAIMS}
    judging = sorted((name, digest) for name, digest in manifest.files.items() if name not in apart)
    named: list[object] = [judging, manifest.fingerprint, *([asdict(manifest.adapter)] if manifest.adapter else [])]
    named += [list(manifest.languages)] if manifest.languages != ENGLISH else []
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]


def _seal(home: Path, manifest: Manifest, names: Sequence[str], certificate: Certificate | None) -> Manifest:
    """Write the certificate, for the version of the named files, and the manifest of all files."""
    sealed = replace(manifest, files={name: _digest(home / name) for name in sorted(names)})
    if certificate:
        (home / CERTIFICATE).write_text(certificate.of(version_of(sealed)).to_json() + "\n")
        sealed = replace(sealed, files={**sealed.files, CERTIFICATE: _digest(home / CERTIFICATE)})
    else:
        (home / CERTIFICATE).unlink(missing_ok=True)
    (home / MANIFEST).write_text(json.dumps(asdict(sealed), indent=1) + "\n")
    for name in sealed.files:
        (home / name).chmod(0o644)
    return read_manifest(home)


def _load_parts(home: Path, manifest: Manifest) -> Parts:
    heads, fusion = Heads(manifest.heads), Fusion()
    try:
        tensors = load_file(home / HEADS)
        for prefix, module in (("heads.", heads), ("fusion.", fusion)):
            own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            module.load_state_dict(own, strict=True)
        screen = Screen.load(home / SCREEN)
        calibration = Calibration.from_json((home / CALIBRATION).read_text())
        certified = CERTIFICATE in manifest.files
        certificate = Certificate.from_json((home / CERTIFICATE).read_text()) if certified else None
        claims = ClaimParts.load(home / CLAIMS) if CLAIMS in manifest.files else None
    except (RuntimeError, ValueError, LookupError, SafetensorError) as error:
        raise BundleError(f"{home}: its parts don't fit its manifest; train the bundle again: {error}") from error
    if len(screen.bias) != len(LABELS) or len(calibration.curves) != len(LABELS):
        raise BundleError(f"{home}: screen or calibration hasn't the {len(LABELS)} labels; train the bundle again")
    heads.requires_grad_(requires_grad=False)
    return Parts(heads.eval(), fusion.requires_grad_(requires_grad=False), screen, calibration, certificate, claims)


def _version(manifest: Manifest, model: Path | None) -> str:
    """The bundle's version; checks that the given model is the one the heads were made for."""
    found = None if model is None else fingerprint(model)
    if found != manifest.fingerprint and manifest.fingerprint is not None:
        given = "no model is given" if found is None else f"{model} has {found[:12]}"
        raise BundleError(
            f"{manifest.name}: its heads were made for the model of fingerprint {manifest.fingerprint[:12]}, "
            f"but {given}; give that model with the heads, or train heads for this one"
        )
    if manifest.fingerprint is None and model is not None:
        raise BundleError(f"{manifest.name}: a full bundle brings its own model; give it alone, without {model}")
    return version_of(manifest)


def _check_file(home: Path, name: str, expected: str) -> None:
    path = home / name
    if Path(name).name != name:
        raise BundleError(f"{home / MANIFEST}: names a file elsewhere, {name!r}")
    if not path.is_file():
        raise BundleError(f"{path}: missing; copy the whole bundle again")
    if _digest(path) != expected:
        raise BundleError(f"{path}: its SHA-256 isn't the manifest's; the copy is damaged or altered, copy it again")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
