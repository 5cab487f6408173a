"""Prose and screens use plain verbs: a few turns of phrase that crept in before are refused, with the word to use."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = (".py", ".html", ".js", ".md", ".proto", ".yaml")
PLACES = ("service", "workers", "classifiers", "docs", "deploy", "proto/assay/v1", "README.md", "CONTRIBUTING.md")
PLAIN = {
    r"\blet(s|ting)? go\b": "deletes, drops",
    r"\b(who|whoever|nobody|somebody|no one|someone) is told\b": "is notified",
    r"\b(is|are|was|were) told of\b": "is notified of, gets",
    r"\b[Ww]hat stands\b": "what is in force, what is recorded",
    r"\bas (it|they) stands?\b": "as it is, as recorded",
    r"\bgoes on standing\b": "stays in force",
    r"\bstands? in (the|a|an|one|its|their|that|`)": "is in",
    r"\b(is|are|was|were) passed over\b|\bpasses over (it|them|rows|verdicts|those)\b": "is skipped, skips",
    r"\bis one of ours\b|\bis none of ours\b": "is Assay's, is not Assay's",
    r"\banew\b": "again",
}


def files() -> Iterator[Path]:
    """Tracked files with prose; not generated code, data, or posts that people might have written."""
    listed = subprocess.run(["git", "ls-files", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if name.endswith(READ) and not name.endswith(("_pb2.py", "_pb2_grpc.py")) and "sample_feed" not in name:
            yield ROOT / name


def unplain(text: str) -> Iterator[str]:
    """What to write instead, for each line that needs it."""
    for number, line in enumerate(text.splitlines(), 1):
        for phrase, plain in PLAIN.items():
            if found := re.search(phrase, line):
                yield f"line {number}: {found[0]!r}, write: {plain}"


def test_prose_is_plain() -> None:
    found = [f"{file.relative_to(ROOT)}, {words}" for file in files() for words in unplain(file.read_text("utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["It lets go of it.", "who is told", "The claim as it stands.", "made anew"])
def test_what_is_not_plain_is_noticed(line: str) -> None:
    assert list(unplain(line))
