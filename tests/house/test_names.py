"""What docstrings, comments and Markdown files name is there: modules, what they define, and files of the repository.

`CHANGELOG.md` is left out, since it names what was there at the time.
"""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ("service", "classifiers", "workers", "tests")
_DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(HOUSE)})(?:\.\w+)+(?![\w/*])")
_TICKED = re.compile(r"`([^`\n]+)`")
_OWN = re.compile(r"([a-z_]+)\.([A-Z]\w*)(?:\.(\w+))?")
_PATH = re.compile(
    r"(?:(?:service|classifiers|workers|tests|deploy|proto|docs|\.ci)/[\w./-]*\w/?|[\w/-]+\.(?:py|md|proto))"
)


@cache
def tracked() -> frozenset[str]:
    """Every file of the repository, and every folder with one, as paths from its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    there = [path for path in found if (ROOT / path).exists()]
    return frozenset({*there, *(str(folder) for path in there for folder in PurePosixPath(path).parents)})


def told(path: str) -> Iterator[tuple[int, str]]:
    """Lines of prose with their numbers: all of a Markdown file, docstrings and comments of a module."""
    if path.endswith(".md"):
        yield from enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        return
    with (ROOT / path).open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and '"""' in token.string[:5]):
                yield from enumerate(token.string.splitlines(), token.start[0])


@cache
def defined(module: str) -> dict[str, frozenset[str]] | None:
    """The names at the top of a module, each with those of its class body; None where there is no such module."""
    base = ROOT.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not path.is_file():
        return {} if base.is_dir() else None
    return {name: frozenset(below) for name, below in _names(ast.parse(path.read_text(encoding="utf-8")))}


def _names(body: ast.Module | ast.ClassDef) -> Iterator[tuple[str, list[str]]]:
    for node in body.body:
        match node:
            case ast.ClassDef(name=name):
                yield name, [below for below, _ in _names(node)]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, []
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                yield from ((alias.asname or alias.name, []) for alias in aliases)
            case ast.Assign() | ast.AnnAssign():
                yield from (
                    (each.id, [])
                    for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                    for each in ast.walk(target)
                    if isinstance(each, ast.Name)
                )


def stands(dotted: str) -> bool:
    """Whether the longest module that it begins with is followed by what that module defines, if by anything."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        names = defined(".".join(parts[:length]))
        if names is None:
            continue
        rest = parts[length:]
        if not rest or len(rest) > 2 or rest[0] not in names:
            return not rest
        return len(rest) == 1 or not names[rest[0]] or rest[1] in names[rest[0]]
    return False


def is_file(path: str, named: str) -> bool:
    """Whether a file or folder of that name is there: from the root, beside the file that names it, or deeper."""
    name = named.rstrip("/")
    beside = str(PurePosixPath(path).parent / name).removeprefix("./")
    return bool({name, beside} & tracked()) or any(each.endswith(f"/{name}") for each in tracked())


def is_own(module: str, *names: str) -> bool:
    """Whether `ports.VerdictStore` and its like are in a module of that name."""
    found = [each for each in tracked() if each.endswith((f"/{module}.py", f"/{module}/__init__.py"))]
    dotted = [each.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for each in found]
    return any(stands(".".join([each, *filter(None, names)])) for each in dotted)


def wrong(path: str) -> Iterator[str]:
    """What the file names that is not there, each with its line."""
    for number, line in told(path):
        for dotted in _DOTTED.findall(line):
            if not stands(dotted) and not is_file(path, dotted):
                yield f"{path}:{number} names {dotted}, which is not there"
        for ticked in _TICKED.findall(line):
            for word in ticked.split():
                if _PATH.fullmatch(word) and not is_file(path, word):
                    yield f"{path}:{number} names {word}, which is not there"
            if (own := _OWN.fullmatch(ticked)) and not is_own(*own.groups()):
                yield f"{path}:{number} names {ticked}, which no module of that name defines"


@pytest.mark.parametrize("part", [*HOUSE, "md"])
def test_what_prose_names_is_there(part: str) -> None:
    files = [path for path in sorted(tracked()) if path.endswith((".py", ".md")) and "_pb2" not in path]
    own = [path for path in files if (path.endswith(".md") if part == "md" else path.startswith(f"{part}/"))]
    found = [each for path in own if path != "CHANGELOG.md" for each in wrong(path)]
    assert not found, "\n".join(found)


def test_what_is_not_there_is_noticed() -> None:
    for name in ("service.moderation.pipeline.Pipeline.submit", "service.domain", "classifiers.labels.LABELS"):
        assert stands(name), name
    for name in (
        "service.bootstrap",
        "service.moderation.pipeline.Pipelines",
        "service.domain.decision.Category.harms",
    ):
        assert not stands(name), name
    assert is_file("service/review/README.md", "reviewing.py")
    assert not is_file("README.md", "service/adapters/")
    assert is_own("ports", "VerdictReader", "after")
    assert not is_own("ports", "Warehouse", "")
