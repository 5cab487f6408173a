"""What `assay quality` prints: tables for people, and the same numbers as JSON."""

from collections.abc import Iterable
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.quality.accuracy import Accuracy
from service.quality.agreement import Agreement, Agreements
from service.quality.drift import Drift
from service.quality.golden import GoldenItem, GoldenScore
from service.quality.intervals import Estimate
from service.quality.prevalence import Prevalence

Json = dict[str, Any]
_SHOWN = 60


def shown(estimate: Estimate) -> str:
    """A share with its interval, in percent."""
    if estimate.value is None:
        return "unknown"
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def estimate_json(estimate: Estimate) -> Json:
    """A share as JSON."""
    bounds = {"low": estimate.low, "high": estimate.high}
    return {"value": estimate.value, **bounds, "observations": estimate.observations}


def prevalence_table(found: Prevalence) -> Table:
    """How much breaks a rule."""
    table = Table("of all posts", "share (95 % interval)", box=None)
    table.add_row("violating", shown(found.violating))
    for category, estimate in found.categories.items():
        table.add_row(f"  {category}", shown(estimate))
    table.add_row("machine-written (no violation)", shown(found.ai_generated))
    table.caption = f"{found.posts:,} posts, {found.drawn:,} drawn, {found.decided:,} of them decided"
    return table


def prevalence_json(found: Prevalence) -> Json:
    """The same as JSON."""
    return {
        "posts": found.posts,
        "drawn": found.drawn,
        "decided": found.decided,
        "violating": estimate_json(found.violating),
        "ai_generated": estimate_json(found.ai_generated),
        "categories": {category.value: estimate_json(each) for category, each in found.categories.items()},
        "days": {day.isoformat(): estimate_json(each) for day, each in found.days.items()},
    }


def drift_table(found: Iterable[Drift]) -> Table:
    """How scores moved."""
    table = Table("signal", "index", "", "chance alone", "scores before", "now", box=None)
    for each in found:
        index = "too few" if each.index is None else f"{each.index:.3f}"
        counts = f"{each.scores_before:,}", f"{each.scores_now:,}"
        table.add_row(each.signal, index, each.level.value, f"{each.noise:.3f}", *counts)
    return table


def drift_json(each: Drift) -> Json:
    """The same as JSON."""
    return {
        "signal": each.signal,
        "model": each.model,
        "index": each.index,
        "noise": each.noise,
        "level": each.level.value,
        "scores_before": each.scores_before,
        "scores_now": each.scores_now,
    }


def accuracy_table(found: Accuracy) -> Table:
    """How often the model was right, by category."""
    table = Table("category", "precision", "covers", "recall (prevalence sample)", "flagged", box=None)
    for each in found.categories:
        covers = f"{each.covered:.0%}" if each.flagged else ""
        table.add_row(each.category, shown(each.precision), covers, shown(each.recall), f"{each.flagged:,}")
    table.add_row("any violation", "", "", shown(found.recall), "")
    appeals = f"appeals overturned: {shown(found.overturned.rate)}, {found.overturned.open} open"
    table.caption = f"{found.cases:,} cases, {found.sampled:,} of the prevalence sample; {appeals}"
    return table


def decisions_table(found: Accuracy) -> Table:
    """How often people decided as the model had, by decision."""
    table = Table("the model decided", "people did the same", "there was a violation", "cases", box=None)
    for each in found.decisions:
        table.add_row(each.decision, shown(each.confirmed), shown(each.violating), f"{each.posts:,}")
    return table


def accuracy_json(found: Accuracy) -> Json:
    """The same as JSON."""
    return {
        "cases": found.cases,
        "sampled": found.sampled,
        "recall": estimate_json(found.recall),
        "appeals_overturned": estimate_json(found.overturned.rate),
        "categories": {
            each.category.value: {
                "precision": estimate_json(each.precision),
                "covered": each.covered,
                "recall": estimate_json(each.recall),
                "flagged": each.flagged,
            }
            for each in found.categories
        },
        "decisions": {
            each.decision.value: {
                "confirmed": estimate_json(each.confirmed),
                "violating": estimate_json(each.violating),
                "cases": each.posts,
            }
            for each in found.decisions
        },
    }


def agreement_table(found: Agreements) -> Table:
    """How far moderators agree."""
    table = Table("on", "Krippendorff's alpha", "", "pairs that agree", "texts", "people", box=None)
    for name, each in (("the decision", found.decisions), ("whether it violates", found.violations)):
        pairs = "" if each.agreeing_pairs is None else f"{each.agreeing_pairs:.1%}"
        table.add_row(name, _alpha(each), each.word, pairs, f"{each.texts:,}", str(each.people))
    return table


def _alpha(each: Agreement) -> str:
    if each.alpha is None:
        return ""
    return f"{each.alpha:.3f}" if each.low is None else f"{each.alpha:.3f} ({each.low:.3f} to {each.high:.3f})"


def agreement_json(found: Agreements) -> Json:
    """The same as JSON."""
    return {
        name: {
            "alpha": each.alpha,
            "low": each.low,
            "high": each.high,
            "agreeing_pairs": each.agreeing_pairs,
            "texts": each.texts,
            "people": each.people,
        }
        for name, each in (("decisions", found.decisions), ("violations", found.violations))
    }


def score_table(found: Iterable[GoldenScore]) -> Table:
    """How moderators did on golden items."""
    table = Table("moderator", "shown", "right", "wrong", "violations missed", "found", box=None)
    for each in found:
        counts = map(str, (each.shown, each.right, each.wrong, each.missed))
        table.add_row(each.moderator, *counts, shown(each.accuracy))
    return table


def score_json(each: GoldenScore) -> Json:
    """The same as JSON."""
    return {
        "moderator": each.moderator,
        "shown": each.shown,
        "right": each.right,
        "wrong": each.wrong,
        "missed": each.missed,
        "accuracy": estimate_json(each.accuracy),
    }


def golden_table(items: Iterable[GoldenItem]) -> Table:
    """Golden items."""
    table = Table("id", "answer", "text", "from", "state", "note", box=None)
    for each in items:
        text = each.post.text if len(each.post.text) <= _SHOWN else each.post.text[: _SHOWN - 1] + "…"
        answer = " ".join([each.answer.decision, *sorted(each.answer.categories)])
        table.add_row(each.id, answer, escape(text), each.source or "pasted", _state(each), escape(each.note))
    return table


def golden_json(each: GoldenItem) -> Json:
    """The same as JSON."""
    return {
        "id": each.id,
        "text": each.post.text,
        "decision": each.answer.decision.value,
        "categories": sorted(each.answer.categories),
        "source": each.source,
        "state": _state(each),
        "note": each.note,
        "added_by": each.added_by,
        "added_at": each.added_at.isoformat(),
    }


def _state(each: GoldenItem) -> str:
    return "retired" if each.retired_at else "ready" if each.verdict else "not read yet"
