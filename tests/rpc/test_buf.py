"""buf lints the API, and notices what would break a client made from the baseline."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTO = Path(__file__).parents[2] / "proto"
CLAIMS = "assay/v1/claim_service.proto"


def check(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, folder / "check.py", *options], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of proto/ without buf."""
    return Path(shutil.copytree(PROTO, tmp_path / "proto", ignore=shutil.ignore_patterns("node_modules", "*.py[ci]*")))


@pytest.fixture
def proto(copied: Path) -> Path:
    """A copy of proto/ with buf."""
    if not (PROTO / "node_modules/.bin/buf").exists():
        pytest.skip("buf is not installed: make buf, which needs npm")
    (copied / "node_modules").symlink_to(PROTO / "node_modules")
    return copied


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_addition_breaks_nothing(proto: Path) -> None:
    edit(proto / CLAIMS, "message TextMatches {", "message TextMatches {\n  // More.\n  string more = 99;")
    result = check(proto)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_change_that_breaks_clients_is_named_until_it_is_the_baseline(proto: Path) -> None:
    edit(proto / CLAIMS, "string next_page_token = 2;", "int64 next_page_token = 2;")
    result = check(proto)
    assert result.returncode == 100
    assert "claim_service.proto" in result.stdout
    assert 'changed type from "string" to "int64"' in result.stdout
    assert check(proto, "--renew").returncode == 0
    assert check(proto).returncode == 0


def test_a_slip_of_style_is_named(proto: Path) -> None:
    edit(proto / CLAIMS, "GetClaimResponse", "FetchedClaim")
    assert 'should be named "GetClaimResponse"' in check(proto).stdout


def test_without_buf_one_line_says_so(copied: Path) -> None:
    result = check(copied)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "buf is skipped: npm, which installs it, is missing (Debian: apt-get install npm)\n"
