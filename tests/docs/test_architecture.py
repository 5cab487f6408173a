"""docs/architecture.md: the floors are those that are checked, and the reading path is there and short enough."""

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.markdown import ROOT, fences, table

PAGE = ROOT / "docs" / "architecture.md"
MOST = 1500


def test_the_floors_are_those_that_are_checked() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    checked = contracts["importlinter:contract:floors"]["layers"].split("\n")
    [shown] = [fence.text for fence in fences(PAGE) if "floors" in fence.words]
    assert shown.splitlines() == [line for line in checked if line]


def test_every_topic_is_named() -> None:
    named = {name for topic, _ in table(PAGE, "## The house") for name in re.findall(r"`(\w+)`", topic)}
    assert named == {folder.parent.name for folder in (ROOT / "service").glob("*/__init__.py")}


def test_the_reading_path_has_at_most_1500_lines() -> None:
    lines = {file: sum(_lengths(file, what)) for file, what, _ in table(PAGE, "## A reading path")}
    assert len(lines) > 5
    assert sum(lines.values()) <= MOST, lines


def _lengths(link: str, what: str) -> Iterator[int]:
    """The lines of a file, or of the classes, functions and methods that are named in it."""
    file = Path(ROOT, re.fullmatch(r"\[(.+)\]\(\.\./\1\)", link)[1])  # type: ignore[index]
    text = file.read_text()
    for name in re.findall(r"`([\w.]+)`", what):
        found: list[ast.stmt] = ast.parse(text).body
        for part in name.split("."):
            [node] = [
                each
                for each in found
                if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and each.name == part
            ]
            found = node.body
        assert node.end_lineno
        yield node.end_lineno - node.lineno + 1
    if what == "whole":
        yield text.count("\n")
