"""How claims look in a terminal, and as JSON for other programs. Pure: values in, renderables out."""

from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.domain.claim import ClaimRecord, ClaimState, Rating
from service.domain.codec import encode_claim

_STYLES = {Rating.FALSE: "red", Rating.MISLEADING: "yellow", Rating.TRUE: "green", Rating.UNRATED: "dim"}


def claim_json(record: ClaimRecord) -> dict[str, Any]:
    """A claim as stored; empty fields are left out."""
    standing = {"confirmed": record.confirmed, "rejected": record.rejected, "updated_at": record.updated_at.isoformat()}
    reason = {"reason": record.reason} if record.reason else {}
    return {**encode_claim(record.claim), "state": record.state.value, **reason, **standing}


def claim_table(records: Iterable[ClaimRecord]) -> Table:
    """Claims to look through, one a row."""
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("id", overflow="fold", max_width=32)
    table.add_column("rating")
    table.add_column("claim", ratio=1, no_wrap=True)
    table.add_column("publisher", no_wrap=True, max_width=20)
    for record in records:
        claim = record.claim
        rating = Text(claim.rating, _STYLES[claim.rating])
        mark = Text("quarantined  ", "bold yellow") if record.state is ClaimState.QUARANTINED else Text()
        table.add_row(Text(claim.id), rating, mark + Text(_line(claim.claim)), Text(claim.publisher))
    return table


def claim_panel(record: ClaimRecord) -> RenderableType:
    """One claim to read."""
    claim = record.claim
    lines = [Text(claim.claim, "bold"), Text(f"{claim.rating}  {claim.verdict}".strip(), _STYLES[claim.rating])]
    shown = (claim.publisher, claim.title, claim.date and claim.date.isoformat(), claim.url)
    lines += [Text(each) for each in shown if each]
    if record.state is ClaimState.QUARANTINED:
        lines.append(Text(f"quarantined: {record.reason}", "bold yellow"))
    lines.append(Text(f"{record.confirmed} matches confirmed, {record.rejected} rejected; {_changed(record)}", "dim"))
    return Panel(Text("\n").join(lines), title=Text(claim.name))


def _changed(record: ClaimRecord) -> str:
    return f"last changed {record.updated_at:%Y-%m-%d %H:%M} UTC"


def _line(text: str) -> str:
    return " ".join(text.split())
