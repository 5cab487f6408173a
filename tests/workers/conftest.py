"""The shipped bundle, and claims to compare posts with."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from classifiers.bundle import CLAIMS, MANIFEST, STARTER, Bundle, load_bundle
from classifiers.detector import Detector
from classifiers.matcher import Matcher
from service.claims.sql import SqlClaims
from service.domain.claim import Claim, Rating
from service.records.sql.store import SqlStore
from workers.classifier import BundleClassifier


@pytest.fixture
def claim_store(sqlite_store: SqlStore) -> SqlClaims:
    """The claims in the record store."""
    return SqlClaims.beside(sqlite_store)


@pytest.fixture(scope="session")
def starter() -> Bundle:
    """The shipped bundle."""
    torch.set_num_threads(1)
    return load_bundle()


@pytest.fixture
def classifier(starter: Bundle) -> BundleClassifier:
    """The starter, without claims so far."""
    return BundleClassifier(Detector(starter), Matcher(starter))


@pytest.fixture
def bare_bundle(tmp_path: Path) -> Path:
    """The starter as it would be without the parts that match claims."""
    bare = shutil.copytree(STARTER, tmp_path / "bare")
    (bare / CLAIMS).unlink()
    manifest = json.loads((bare / MANIFEST).read_text())
    del manifest["files"][CLAIMS]
    (bare / MANIFEST).write_text(json.dumps(manifest))
    return bare


@pytest.fixture
def claims() -> list[Claim]:
    """Claims about different matters, each rated in another way."""
    return [
        Claim(
            id="lighthouse",
            claim="The old lighthouse at Port Hallow was sold to a foreign army.",
            title="No, Port Hallow's lighthouse was not sold",
            url="https://facts.example/lighthouse",
            verdict="Pants on fire",
            publisher="Coast Facts",
            rating=Rating.FALSE,
        ),
        Claim(
            id="garlic", claim="Raw garlic every morning prevents the flu.", verdict="Half", rating=Rating.MISLEADING
        ),
        Claim(id="bicycles", claim="Northbridge bans bicycles after dark.", verdict="Correct", rating=Rating.TRUE),
        Claim(id="turbines", claim="Wind turbines stop cows from giving milk.", verdict="Unproven"),
    ]
