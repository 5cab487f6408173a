"""How webhook endpoints and deliveries look in a terminal, and as JSON for other programs. Pure."""

from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.webhooks.delivery import Answer, Attempt, Delivery, DeliveryState
from service.webhooks.endpoint import Endpoint

_STYLES = {DeliveryState.PENDING: "yellow", DeliveryState.DELIVERED: "green", DeliveryState.DEAD: "bold red"}


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as stored; empty fields are left out."""
    fields = {
        "description": endpoint.description,
        "decisions": [each.value for each in endpoint.decisions],
        "categories": [each.value for each in endpoint.categories],
        "disabled_reason": endpoint.disabled_reason,
    }
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": [each.value for each in endpoint.events],
        "enabled": endpoint.enabled,
        **{name: value for name, value in fields.items() if value},
        "created_at": endpoint.created_at.isoformat(),
        "created_by": endpoint.created_by,
        "updated_at": endpoint.updated_at.isoformat(),
    }


def endpoint_table(endpoints: Iterable[Endpoint]) -> Table:
    """Endpoints to look through, one a row."""
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("id", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("url", ratio=1, overflow="fold")
    table.add_column("events", max_width=40)
    for endpoint in endpoints:
        table.add_row(Text(endpoint.id), _state(endpoint), Text(endpoint.url), ", ".join(endpoint.events))
    return table


def endpoint_panel(endpoint: Endpoint) -> RenderableType:
    """One endpoint to read."""
    shown = [Text(endpoint.url, "bold"), _state(endpoint), Text("events: " + ", ".join(endpoint.events))]
    narrowed = ("decisions", endpoint.decisions), ("categories", endpoint.categories)
    shown += [Text(f"first verdicts only of {name}: {', '.join(values)}") for name, values in narrowed if values]
    shown += [Text(endpoint.description)] if endpoint.description else []
    shown.append(Text(f"added by {endpoint.created_by}, {endpoint.created_at:%Y-%m-%d %H:%M} UTC", "dim"))
    return Panel(Text("\n").join(shown), title=Text(endpoint.name))


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery with its attempts."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "type": delivery.type.value,
        "subject": delivery.subject,
        "state": delivery.state.value,
        "created_at": delivery.created_at.isoformat(),
        "due_at": delivery.due_at.isoformat() if delivery.due_at else None,
        "attempts": list(map(_attempt_json, delivery.attempts)),
    }


def delivery_table(deliveries: Iterable[Delivery]) -> Table:
    """Deliveries to look through, one a row, with what came of the last attempt."""
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("id", "enqueued", "event"):
        table.add_column(heading, no_wrap=True)
    table.add_column("about", ratio=1, overflow="fold")
    for heading in ("state", "attempts"):
        table.add_column(heading, no_wrap=True)
    table.add_column("last", ratio=1, overflow="fold")
    for each in deliveries:
        last = _last(each.attempts[-1]) if each.attempts else "-"
        when = f"{each.created_at:%Y-%m-%d %H:%M:%S}"
        state = Text(each.state.lower(), _STYLES[each.state])
        table.add_row(str(each.id), when, each.type, Text(each.subject), state, str(len(each.attempts)), Text(last))
    return table


def answer_line(answer: Answer) -> Text:
    """What came of a test, in one line."""
    took = f"{answer.seconds * 1_000:.0f} ms"
    if answer.taken:
        return Text(f"The endpoint answered {answer.status} in {took}.", "green")
    return Text(f"The endpoint did not take it ({took}): {answer.error}", "red")


def answer_json(answer: Answer) -> dict[str, Any]:
    """What came of a test."""
    return {"status": answer.status, "seconds": answer.seconds, "error": answer.error}


def _state(endpoint: Endpoint) -> Text:
    if endpoint.enabled:
        return Text("enabled", "green")
    return Text("disabled" + (f": {endpoint.disabled_reason}" if endpoint.disabled_reason else ""), "yellow")


def _last(attempt: Attempt) -> str:
    return f"{attempt.error or attempt.status} ({attempt.seconds * 1_000:.0f} ms)"


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": attempt.at.isoformat(),
        "status": attempt.status,
        "seconds": attempt.seconds,
        "error": attempt.error,
    }
