"""The floors hold: `lint-imports` refuses what is planted against them, in every module and on every floor."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")
HOUSE = ("service", "workers", "classifiers")


def planted(tmp_path: Path, module: str, line: str) -> subprocess.CompletedProcess[str]:
    """What the linter says of a copy of the house in which that line stands at the end of that module."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for part in HOUSE:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=lambda _, names: {n for n in names if not _is_code(n)})
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return subprocess.run(
        [LINT, "--no-cache"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def _is_code(name: str) -> bool:
    return name.endswith(".py") or "." not in name


@pytest.mark.parametrize(
    ("module", "line", "refused"),
    [
        (
            "service/records/followers.py",
            "from service.moderation.pipeline import Pipeline",
            "service.records is not allowed to import service.moderation",
        ),
        (
            "service/review/opening.py",
            "from service.runtime.wiring.front import started_front",
            "service.review is not allowed to import service.runtime",
        ),
        ("service/audit/entry.py", "import sqlalchemy", "SQLAlchemy stays in storage and in a topic's sql BROKEN"),
    ],
)
def test_a_forbidden_import_is_refused(tmp_path: Path, module: str, line: str, refused: str) -> None:
    said = planted(tmp_path, module, line)
    assert said.returncode == 1, said.stdout
    assert refused in said.stdout


def test_a_module_on_no_floor_is_refused(tmp_path: Path) -> None:
    said = planted(tmp_path, "service/homeless.py", '"""Stands on no floor."""')
    assert said.returncode == 1
    assert "not listed as layers" in said.stdout
    assert "service.homeless" in said.stdout


def test_the_house_as_it_stands_is_kept(tmp_path: Path) -> None:
    said = planted(tmp_path, "service/errors.py", "")
    assert said.returncode == 0, said.stdout
