"""What the snippets of the pages run on: one `assay up` for all, and a directory with a record store for each page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Up


@pytest.fixture(scope="session")
def stack() -> Iterator[Up]:
    """A running `assay up`, with shims."""
    with Up(ASSAY_SHIM_ADDRESS="127.0.0.1:0") as running:
        yield running


@pytest.fixture
def directory(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a page's snippets run: they find a record store in `data` and the files that the page has shown so far."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated, tmp_path / "data" / "assay.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path
