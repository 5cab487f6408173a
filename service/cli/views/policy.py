"""How policy versions, and what a change would do, look in a terminal and as JSON. Pure: values in, renderables out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from service.domain.decision import Category, Decision
from service.policy.governance.backtest import Backtest, CategoryChange
from service.policy.governance.policy_version import PolicyChange, PolicyVersion
from service.policy.governance.shadow_ruling import ShadowComparison

_SHORT = 12


def version_json(version: PolicyVersion, *, live: bool, shadow: bool) -> dict[str, Any]:
    """A version without its document."""
    return {
        "name": version.name,
        "title": version.title,
        "description": version.description,
        "author": version.author,
        "note": version.note,
        "created_at": version.created_at.isoformat(),
        "live": live,
        "shadow": shadow,
    }


def version_table(versions: Iterable[PolicyVersion], live: str, shadow: str) -> Table:
    """Versions to look through, newest first."""
    table = _table("version", "", "title", "made", "by", "why")
    for each in versions:
        mark = Text("live", "bold green") if each.version == live else Text()
        mark = Text("shadow", "cyan") if each.version == shadow else mark
        made = f"{each.created_at:%Y-%m-%d %H:%M}"
        table.add_row(each.version[:_SHORT], mark, Text(each.title), made, Text(each.author), Text(each.note))
    return table


def change_json(change: PolicyChange) -> dict[str, Any]:
    """Who did what."""
    return {
        "number": change.number,
        "at": change.at.isoformat(),
        "actor": change.actor,
        "act": change.act.value,
        "version": change.version,
        "before": change.before,
        "note": change.note,
    }


def change_table(changes: Iterable[PolicyChange]) -> Table:
    """Who did what, newest first."""
    table = _table("at", "act", "version", "before", "by", "why")
    for each in changes:
        versions = (each.version[:_SHORT] or "file", each.before[:_SHORT])
        table.add_row(f"{each.at:%Y-%m-%d %H:%M}", each.act.lower(), *versions, Text(each.actor), Text(each.note))
    return table


def backtest_json(backtest: Backtest) -> dict[str, Any]:
    """All of it but the examples' rules."""
    return {
        "summary": backtest.summary,
        "base": backtest.base,
        "candidate": backtest.candidate,
        "start": backtest.start.isoformat(),
        "posts": backtest.posts,
        "unjudged": backtest.unjudged,
        "by_people": backtest.by_people,
        "flips": [_pair_json(*pair, count) for pair, count in backtest.flips.items()],
        "recategorised": backtest.recategorised,
        "categories": {
            category.value: {"before": c.before, "after": c.after, "gained": c.gained, "lost": c.lost}
            for category, c in backtest.categories.items()
        },
        "upheld": backtest.upheld,
        "automatic": {"before": backtest.automatic[0], "after": backtest.automatic[1]},
        "examples": [
            {"post": flip.post, "before": flip.before.decision, "after": flip.after.decision, "upheld": flip.upheld}
            for flip in backtest.examples
        ],
        "complete": backtest.complete,
    }


def category_table(categories: Mapping[Category, CategoryChange]) -> Table:
    """Posts by category, before and after."""
    table = Table("category", "before", "after", "gained", "lost", box=None, pad_edge=False)
    for category, each in categories.items():
        table.add_row(category, *(f"{count:,}" for count in (each.before, each.after, each.gained, each.lost)))
    return table


def comparison_json(comparison: ShadowComparison) -> dict[str, Any]:
    """How often the two agreed, and on what they differ."""
    return {
        "version": comparison.version,
        "posts": comparison.posts,
        "agreed": comparison.agreed,
        "matrix": [_pair_json(*pair, count) for pair, count in comparison.matrix.items()],
        "examples": [
            {"post": each.post, "live": each.live, "shadow": each.shadow, "rules": each.rules}
            for each in comparison.examples
        ],
    }


def matrix_table(matrix: Mapping[tuple[Decision, Decision], int]) -> Table:
    """What was decided, down; what the other policy says, across."""
    table = Table("decided \\ shadow", *Decision, box=None, pad_edge=False)
    for live in Decision:
        table.add_row(live, *(_count(matrix.get((live, other), 0), same=live is other) for other in Decision))
    return table


def example_lines(examples: Sequence[tuple[str, Decision, Decision, str]]) -> list[str]:
    """A line for each example: the post, its decisions, and what else there is to say."""
    return [f"  {post}: {before} to {after}{f' ({rest})' if rest else ''}" for post, before, after, rest in examples]


def _table(*columns: str) -> Table:
    """A table whose last column alone is broken into lines."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1])
    return table


def _count(count: int, *, same: bool) -> Text:
    if not count:
        return Text("-", "dim")
    return Text(f"{count:,}", "green" if same else "bold yellow")


def _pair_json(before: Decision, after: Decision, posts: int) -> dict[str, Any]:
    return {"before": before.value, "after": after.value, "posts": posts}
