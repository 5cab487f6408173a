"""docs/glossary.md: a line a word, in order, and the code names are there."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

LINES = (ROOT / "docs" / "glossary.md").read_text().partition("\n* ")[2].splitlines()
ENTRIES = {line.split("**")[1]: line.partition("**: ")[2] for line in ["* " + LINES[0], *LINES[1:]]}


@pytest.fixture(scope="module")
def code() -> str:
    folders = [ROOT / folder for folder in ("service", "workers", "classifiers")]
    return "\n".join(file.read_text() for folder in folders for file in sorted(folder.rglob("*.py")))


def test_words_come_once_and_in_order() -> None:
    words = [word.casefold() for word in ENTRIES]
    assert len(words) == len(LINES)
    assert words == sorted(words)


def test_code_names_exist(code: str) -> None:
    named = {name for meaning in ENTRIES.values() for name in re.findall(r"`(.+?)`", meaning)}
    assert {name for name in named if not _exists(name, code)} == set()


def _exists(name: str, code: str) -> bool:
    """Whether it is a path, a command, or something that the code defines or has as a value."""
    if name.startswith("assay "):
        return name.split()[1] in code
    if "/" in name or name.startswith("."):
        return Path(ROOT, name).exists()
    last = re.escape(name.rpartition(".")[2])
    defined = rf"(?:class|def) {last}\b|^\s*{last}\s*(?::[^=\n]+)?=|^\s*{last}: |[\"']{last}[\"']"
    return re.search(defined, code, re.MULTILINE) is not None
