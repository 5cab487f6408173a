"""The wheel, installed in a clean environment without the source tree: all that runs from it is in it."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [found] = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of an environment that holds the wheel, and the locked dependencies but not the editable install."""
    home = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    [site] = home.glob("lib/python*/site-packages")
    (site / "locked-dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, "--ignore-installed", "--disable-pip-version-check"], check=True)
    return home / "bin"


def run(clean: Path, *command: str, stdin: str = "") -> str:
    """Run a program of the clean environment far from the source tree."""
    done = subprocess.run(
        [str(clean / command[0]), *command[1:]], input=stdin, capture_output=True, text=True, cwd="/", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_no_tests_and_all_that_is_not_code(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "proto/", "deploy/"))]
    for needed in (
        "assay/v1/moderation_service_pb2_grpc.py",
        "service/policy/default.yaml",
        "service/storage/migrations/env.py",
        "service/cli/demo/sample_feed/posts.jsonl",
        "service/cli/demo/sample_feed/claims.jsonl",
        "classifiers/starter/manifest.json",
        "classifiers/starter/timeline.json",
        "classifiers/data/written/posts.jsonl",
        "classifiers/training/claims/frames/rebuts.txt",
        "classifiers/training/claims/verbs.txt",
        "service/py.typed",
    ):
        assert needed in names


def test_it_is_imported_from_the_clean_environment(clean: Path) -> None:
    code = "import service, assay.v1.post_pb2 as p; print(service.__file__); print(p.__file__)"
    for line in run(clean, "python", "-c", code).splitlines():
        assert line.startswith(str(clean.parent))


def test_its_policy_and_migrations_are_found(clean: Path, tmp_path: Path) -> None:
    assert "is valid" in run(clean, "assay", "policy", "validate")
    code = f"from service.storage.migrate import upgrade, current as c; u='sqlite:///{tmp_path}/a.db'"
    assert run(clean, "python", "-c", f"{code}; upgrade(u); print(c(u))").strip() != "None"


def test_it_scores_with_the_shipped_model(clean: Path) -> None:
    [line] = run(
        clean, "assay", "score", stdin='{"id": 7, "text": "The ferry leaves at nine from the old pier."}\n'
    ).splitlines()
    reading = json.loads(line)
    assert reading["id"] == 7
    assert 0 <= reading["ai_generated"] <= 1
    assert reading["words"] == 9
