"""The budget of lines: no module over 400, no function over 60; prints what each topic takes.

`pytest -s tests/house/test_budget.py` shows the lines of every topic.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREES = ("service", "workers", "classifiers", "tests")
MODULE, FUNCTION = 400, 60
LINES = {"service": 37_600, "workers": 700, "classifiers": 13_000}
"""What a tree may take. Whoever needs more says in the commit what for, and looks first for what can go."""


def modules(*trees: str) -> Iterator[Path]:
    return (path for tree in trees for path in sorted((ROOT / tree).rglob("*.py")))


def lines(path: Path) -> int:
    return path.read_text().count("\n")


def too_long(path: Path) -> Iterator[str]:
    """The functions of a module that are over the budget."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            taken = (node.end_lineno or node.lineno) - node.lineno + 1
            if taken >= FUNCTION:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name} takes {taken} lines"


def test_no_module_is_over_the_budget() -> None:
    over = [f"{path.relative_to(ROOT)} has {lines(path)} lines" for path in modules(*TREES) if lines(path) >= MODULE]
    assert not over, f"{over}: part each by what its lines are about, below {MODULE} a module"


def test_no_function_is_over_the_budget() -> None:
    over = [words for path in modules(*TREES) for words in too_long(path)]
    assert not over, f"{over}: part each by what it does, below {FUNCTION} lines a function"


@pytest.mark.parametrize("tree", LINES)
def test_a_tree_keeps_to_its_lines(tree: str) -> None:
    taken: Counter[str] = Counter()
    for path in modules(tree):
        room = path.relative_to(ROOT / tree).parts
        taken[room[0] if len(room) > 1 else "(top)"] += lines(path)
    print(f"\n{tree}: {taken.total():,} lines")
    for name, count in taken.most_common():
        print(f"  {name:<14} {count:>7,}")
    assert taken.total() <= LINES[tree], f"{tree}/ has {taken.total():,} lines; it may have {LINES[tree]:,}"
