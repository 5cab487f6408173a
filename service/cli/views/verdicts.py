"""How verdicts look in a terminal, and as JSON for other programs. Pure: values in, renderables out."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.domain.claim import Match, Relation
from service.domain.decision import Decision
from service.domain.judgement import Judgement, Signal
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.moderation.author import AuthorJudgement

STYLES = {
    Decision.ALLOW: "green",
    Decision.LABEL: "cyan",
    Decision.REDUCE: "yellow",
    Decision.REVIEW: "bold yellow",
    Decision.BLOCK: "bold red",
}
_RELATIONS = {
    Relation.REPEATS: "bold red",
    Relation.DISCUSSES: "yellow",
    Relation.REBUTS: "green",
    Relation.UNRELATED: "dim",
}
_BAR = 24
_SURPRISING = 8.0  # bits: a token with less than 1 in 256


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The whole verdict as JSON values, with the names that the API uses."""
    judgement = verdict.judgement
    return {
        "post": verdict.post.name,
        "decision": verdict.decision.value,
        "categories": [category.value for category in verdict.ruling.categories],
        "rules": list(verdict.ruling.rules),
        "signals": {name: _signal_json(signal) for name, signal in judgement.signals.items()} if judgement else {},
        "evidence": _evidence_json(judgement) if judgement else {},
        "abstained": list(judgement.abstained) if judgement else [],
        "words": judgement.words if judgement else None,
        "skipped": [{"stage": skip.stage, "reason": skip.reason} for skip in verdict.skipped],
        "source": verdict.source.value,
        "model_version": verdict.model_version,
        "claims_version": verdict.judged_by.claims,
        "cluster": verdict.cluster,
        "policy_version": verdict.policy_version,
        "decided_at": verdict.decided_at.isoformat(),
    }


def verdict_panel(text: str, verdict: Verdict) -> RenderableType:
    """One verdict to read: decision, the text with its spans underlined, bars for signals, matched claims, notes."""
    decision = Text(verdict.decision.value, STYLES[verdict.decision])
    if verdict.ruling.categories:
        decision.append("  " + ", ".join(verdict.ruling.categories), "default")
    parts: list[RenderableType] = [decision, Text(""), marked(text, verdict.judgement)]
    if verdict.judgement:
        parts += [Text(""), signal_bars(verdict.judgement.signals.values())]
        parts += map(matched, verdict.judgement.evidence.matches)
    parts += [Text(""), *(Text(note, "dim") for note in _notes(verdict))]
    return Panel(Group(*parts), title=escape(verdict.post.name), border_style=STYLES[verdict.decision])


def author_json(judgement: AuthorJudgement) -> dict[str, Any]:
    """The whole judgement of an author as JSON values, with the names that the API uses."""
    share = judgement.share
    return {
        "author": judgement.author,
        "ai_generated": _signal_json(judgement.signal) if judgement.signal else None,
        "share_machine_written": share and {"share": share.value, "low": share.low, "high": share.high},
        "counted_posts": judgement.counted,
        "posts": [
            {
                "post": finding.post,
                "ai_generated": _signal_json(finding.signal) if finding.signal else None,
                "words": finding.words,
                "excluded": finding.excluded,
            }
            for finding in judgement.findings
        ],
        "abstained": list(judgement.abstained),
        "model_version": judgement.model_version,
    }


def author_panel(judgement: AuthorJudgement) -> RenderableType:
    """What an author's posts say together, to read: the signal as a bar, the share, what did not count and why."""
    left_out = Counter(finding.excluded for finding in judgement.findings if finding.excluded)
    notes = [f"{judgement.counted} of {len(judgement.findings)} posts count"]
    notes += [f"left out: {count} x {reason}" for reason, count in left_out.most_common()]
    notes += [f"abstained: {reason}" for reason in judgement.abstained]
    parts: list[RenderableType] = [signal_bars([judgement.signal])] if judgement.signal else []
    if share := judgement.share:
        parts.append(f"machine-written: {share.value:.0%} of these posts ({share.low:.0%} to {share.high:.0%})")
    notes.append(f"model {judgement.model_version[:12] or 'none'} · no decision: being machine-written is no violation")
    return Panel(Group(*parts, *(Text(note, "dim") for note in notes)), title=escape(judgement.author))


def marked(text: str, judgement: Judgement | None) -> Text:
    """The text with the spans that moved a signal up underlined, and surprising tokens in italics."""
    shown = Text(text)
    if judgement is None:
        return shown
    at = _character_offsets(text)
    for span in judgement.evidence.spans:
        if span.weight > 0:
            shown.stylize("underline", at(span.start), at(span.end))
    for token in judgement.evidence.surprise:
        if token.bits >= _SURPRISING:
            shown.stylize("italic", at(token.start), at(token.end))
    return shown


def signal_bars(signals: Iterable[Signal]) -> Table:
    """A bar per signal: filled up to the probability, with the interval's ends beside it."""
    table = Table.grid(padding=(0, 1))
    for signal in signals:
        filled = round(signal.probability * _BAR)
        bar = Text("█" * filled, _heat(signal.probability)) + Text("░" * (_BAR - filled), "dim")
        interval = f"{signal.low:.2f} to {signal.high:.2f}"
        table.add_row(signal.name, bar, f"{signal.probability:.2f}", Text(interval, "dim"))
    return table


def matched(match: Match) -> Text:
    """A matched claim to read: relation, claim, verdict, publisher and link, probabilities, and whether it weighs."""
    shown = Text("\n").append(match.relation, _RELATIONS[match.relation]).append(f"  “{match.claim}”\n")
    shown.append("  " + " · ".join(filter(None, (match.verdict or match.rating.lower(), match.publisher, match.url))))
    about = f"\n  about it: {match.score:.0%} · {match.relation}, if so: {match.p_relation:.0%}"
    return shown.append(f"{about} · {_weighing(match)}", "dim")


def _weighing(match: Match) -> str:
    """What the match did to the signal, or why nothing."""
    if match.quarantined:
        return "quarantined: not weighed"
    if match.abstained:
        return "abstained: relation uncertain, not weighed"
    return f"misinformation {match.weight:+.2f} logits" if match.weight else "not weighed"


def verdict_table(rows: Sequence[tuple[Post, Verdict]], title: str) -> Table:
    """One line per post, as wide as the terminal: decision, why, both leading signals, source, the text's beginning."""
    table = Table(title=title, title_justify="left", pad_edge=False, box=None, header_style="bold", expand=True)
    table.add_column("decision", no_wrap=True, min_width=8)
    table.add_column("why", overflow="fold", max_width=28)
    for heading in ("AI", "false", "source"):
        table.add_column(heading, no_wrap=True, min_width=len(heading))
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=1)
    for post, verdict in rows:
        table.add_row(
            Text(verdict.decision.value, STYLES[verdict.decision]),
            ", ".join(category.words for category in verdict.ruling.categories) or Text("-", "dim"),
            _percent(verdict, "ai_generated"),
            _percent(verdict, "misinformation"),
            Text(verdict.source.value.lower(), "dim" if verdict.source is Source.CACHE else "default"),
            Text(" ".join(post.text.split())),
        )
    return table


def _percent(verdict: Verdict, name: str) -> Text:
    signal = verdict.judgement.signals.get(name) if verdict.judgement else None
    return Text(f"{signal.probability:4.0%}", _heat(signal.probability)) if signal else Text("-", "dim")


def _heat(probability: float) -> str:
    return "red" if probability >= 0.9 else "yellow" if probability >= 0.5 else "default"


def _notes(verdict: Verdict) -> list[str]:
    notes = [f"rule {rule}" for rule in verdict.ruling.rules]
    if judgement := verdict.judgement:
        notes += [f"abstained: {reason}" for reason in judgement.abstained]
        notes += [f"undone before judging: {kind} x {count}" for kind, count in judgement.evidence.obfuscation.items()]
    notes += [f"skipped {skip.stage}: {skip.reason}" for skip in verdict.skipped]
    model, claims = (version[:12] or "none" for version in verdict.judged_by)
    source, policy = verdict.source.value.lower(), verdict.policy_version[:12]
    return [*notes, f"source {source} · model {model} · claims {claims} · policy {policy}"]


def _signal_json(signal: Signal) -> dict[str, float]:
    return {"probability": signal.probability, "raw": signal.raw, "low": signal.low, "high": signal.high}


def _evidence_json(judgement: Judgement) -> dict[str, Any]:
    evidence = judgement.evidence
    return {
        "spans": [{"start": s.start, "end": s.end, "signal": s.signal, "weight": s.weight} for s in evidence.spans],
        "surprise": [{"start": t.start, "end": t.end, "bits": t.bits} for t in evidence.surprise],
        "obfuscation": dict(evidence.obfuscation),
        "remainders": [{"signal": r.signal, "base": r.base, "rest": r.rest} for r in evidence.remainders],
        "matches": [match._asdict() for match in evidence.matches],
    }


def _character_offsets(text: str) -> Callable[[int], int]:
    """From UTF-8 byte offsets to character indices; inside a character, to the index after it."""
    ends = list(accumulate(len(character.encode()) for character in text))
    return lambda offset: bisect_left(ends, offset) + 1 if offset > 0 else 0
