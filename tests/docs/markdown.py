"""The pages under test: README.md and docs/*.md, their fenced blocks, links and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Fence:
    """A fenced block. `words` follow the language: how a test is to take it; `file` is the name it goes by, if any."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    file: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def fences(page: Path) -> Iterator[Fence]:
    """The fenced blocks of a page, in order."""
    for token in tokens(page):
        if token.type == "fence":
            language, *words = token.info.split() or [""]
            file = next((word.removeprefix("file=") for word in words if word.startswith("file=")), "")
            rest = tuple(word for word in words if not word.startswith("file="))
            assert token.map
            yield Fence(page, token.map[0] + 1, language, rest, file, token.content)


def links(page: Path) -> Iterator[str]:
    """Where the links and pictures of a page lead."""
    for token in tokens(page):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if target:
                yield str(target)


def anchors(page: Path) -> set[str]:
    """The anchors that a forge gives to a page's headings."""
    found = tokens(page)
    return {
        re.sub(r"[^\w\- ]", "", inline.content.lower()).replace(" ", "-")
        for heading, inline in pairwise(found)
        if heading.type == "heading_open"
    }


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = page.read_text().partition(f"\n{heading}\n")[2]
    assert section, f"{page.name} has no heading {heading!r}"
    rows = [line for line in section.partition("\n#")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]
