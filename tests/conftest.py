"""The environment of all tests, who runs which of them, and the fixtures that several folders share."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = [f"tests.fixtures.{name}" for name in ("redis", "sql", "review", "pipeline", "grpc_front")]
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
_TOGETHER = ("classifiers", "docs", "e2e")


def pytest_configure() -> None:
    """The environment of all tests and of the processes that they start.

    The width of tables is left to the tests: a terminal's, once set, is what a console is made with. Networks compute
    on one thread, since test processes and what they start would otherwise wait for each other's. Temporary files are
    kept in memory where there is room, since hundreds of databases are made.
    """
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    settings.register_profile("tests", max_examples=60, deadline=None)  # a busy machine is no failure
    settings.load_profile("tests")
    if _has_room(_MEMORY):
        tempfile.tempdir = os.environ.setdefault("TMPDIR", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Test processes share out files; a folder whose fixtures take long to make stays with one of them."""
    for item in items:
        file = item.path.relative_to(Path(__file__).parent)
        together = file.parts[0] if file.parts[0] in _TOGETHER else str(file)
        item.add_marker(pytest.mark.xdist_group(together))


def _has_room(place: Path) -> bool:
    """Whether the files of a run fit there, and programs among them may run."""
    if not os.access(place, os.W_OK):
        return False
    found = os.statvfs(place)
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min(available, found.f_bavail * found.f_frsize) >= _ROOM and not found.f_flag & os.ST_NOEXEC
