"""`assay webhooks`: add endpoints that are notified of verdicts, look at what was delivered, send it again.

Works with and without a running server: it speaks to the database alone. A running front delivers.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from service.cli.terminal import OPERATOR, AsJson, answered, err, on_store, out
from service.cli.views.webhooks import (
    answer_json,
    answer_line,
    delivery_json,
    delivery_table,
    endpoint_json,
    endpoint_panel,
    endpoint_table,
)
from service.domain.decision import Category, Decision
from service.errors import InvalidInput
from service.runtime.settings import Settings
from service.webhooks.delivery import DeliveryState
from service.webhooks.event import EVENT_TYPES, EventType
from service.webhooks.managing import OVERLAP, EndpointFields, Endpoints
from service.webhooks.ports import DeliveryFilter

if TYPE_CHECKING:
    from service.records.sql.store import SqlStore

webhooks = typer.Typer(no_args_is_help=True, help="Look after HTTP endpoints that are notified of verdicts.")

EndpointId = Annotated[str, typer.Argument(help="The endpoint's id.", metavar="ID")]
By = Annotated[str, typer.Option("--by", help="Who does this, by a pseudonym.", envvar="ASSAY_ACTOR")]
Events = Annotated[
    list[str] | None, typer.Option("--event", help=f"{', '.join(EVENT_TYPES)}; again for several.", metavar="EVENT")
]
Decisions = Annotated[
    list[Decision] | None, typer.Option("--decision", help="Of first verdicts, only these decisions.")
]
Categories = Annotated[
    list[Category] | None, typer.Option("--category", help="Of first verdicts, only these categories.")
]
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], metavar="UTC")]
T = TypeVar("T")


@webhooks.command()
def add(  # noqa: PLR0917 - typer makes options of them
    url: Annotated[str, typer.Argument(help="Where events are sent, https://...")],
    event: Events = None,
    decision: Decisions = None,
    category: Categories = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    by: By = OPERATOR,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint and show its secret, this once. Without --event it gets first and revised verdicts."""
    said = EndpointFields(
        url=url,
        events=answered(lambda: _events(event)),
        description=description,
        decisions=tuple(decision or ()),
        categories=tuple(category or ()),
    )
    endpoint, secret = _with_endpoints(lambda endpoints: endpoints.add(said, actor=by))
    if as_json:
        return _print_json({**endpoint_json(endpoint), "secret": secret})
    out.print(endpoint_panel(endpoint))
    return _show_secret(secret)


@webhooks.command("list")
def list_endpoints(as_json: AsJson = False) -> None:
    """List the endpoints."""
    found = _with_endpoints(lambda endpoints: endpoints.page(after="", limit=1_000))
    if not as_json:
        return out.print(endpoint_table(found) if found else "There are no endpoints.")
    for each in found:
        _print_json(endpoint_json(each))
    return None


@webhooks.command()
def enable(endpoint_id: EndpointId, by: By = OPERATOR) -> None:
    """Turn an endpoint on again. What happened while it was off is not sent."""
    _turn(endpoint_id, by, on=True)


@webhooks.command()
def disable(endpoint_id: EndpointId, by: By = OPERATOR) -> None:
    """Turn an endpoint off: nothing is sent to it, or put by for it."""
    _turn(endpoint_id, by, on=False)


@webhooks.command()
def rotate(
    endpoint_id: EndpointId,
    overlap: Annotated[float, typer.Option(help="Hours that the old secret stays valid; 0: none.")] = OVERLAP / 3_600,
    by: By = OPERATOR,
) -> None:
    """Make a new secret and show it, this once. Until the old one ends, messages are signed with both."""
    secret, ends = _with_endpoints(lambda endpoints: endpoints.rotate(endpoint_id, overlap=overlap * 3_600, actor=by))
    out.print(f"The secret before it ends {ends:%Y-%m-%d %H:%M:%S} UTC.", highlight=False)
    _show_secret(secret)


@webhooks.command()
def remove(endpoint_id: EndpointId, by: By = OPERATOR) -> None:
    """Forget an endpoint, its secrets and its deliveries."""
    _with_endpoints(lambda endpoints: endpoints.remove(endpoint_id, actor=by))
    out.print(f"webhooks/{endpoint_id} is gone.", highlight=False)


@webhooks.command()
def deliveries(  # noqa: PLR0917 - see above
    endpoint_id: EndpointId,
    state: Annotated[
        list[DeliveryState] | None,
        typer.Option(help="Only deliveries in this state; dead ones are dead letters.", case_sensitive=False),
    ] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was and is to be delivered, newest first."""
    only = DeliveryFilter(tuple(state or ()), _utc(since), _utc(until))
    found = _with_endpoints(lambda endpoints: endpoints.deliveries(endpoint_id, only, limit=limit))
    if not as_json:
        return out.print(delivery_table(found) if found else "No such deliveries.")
    for each in found:
        _print_json(delivery_json(each))
    return None


@webhooks.command()
def replay(  # noqa: PLR0917 - see above
    endpoint_id: EndpointId,
    delivery: Annotated[int | None, typer.Argument(help="One delivery's id.")] = None,
    state: Annotated[
        list[DeliveryState] | None, typer.Option(help="Only deliveries in this state.", case_sensitive=False)
    ] = None,
    since: Moment = None,
    until: Moment = None,
    by: By = OPERATOR,
) -> None:
    """Send again: one delivery, or all that --since, --until and --state say."""
    only = DeliveryFilter(tuple(state or ()), _utc(since), _utc(until))
    answered(lambda: _check_replay(delivery, only))
    count = _with_endpoints(lambda endpoints: endpoints.replay(endpoint_id, only, delivery=delivery, actor=by))
    out.print(f"{count:,} deliveries are sent again.", highlight=False)


@webhooks.command("test")
def try_out(endpoint_id: EndpointId, by: By = OPERATOR, as_json: AsJson = False) -> None:
    """Send an endpoint a test event from here, now, and say what it answered. Exit status 1 when it doesn't take it."""
    answer = _with_endpoints(lambda endpoints: endpoints.test(endpoint_id, actor=by))
    if as_json:
        _print_json(answer_json(answer))
    else:
        out.print(answer_line(answer), soft_wrap=True)
    raise typer.Exit(0 if answer.taken else 1)


def _turn(endpoint_id: str, by: str, *, on: bool) -> None:
    said = EndpointFields(enabled=on)
    out.print(endpoint_panel(_with_endpoints(lambda endpoints: endpoints.change(endpoint_id, said, actor=by))))


def _events(given: list[str] | None) -> tuple[EventType, ...]:
    if given is None:
        return EventType.VERDICT_DECIDED, EventType.VERDICT_REVISED
    for event in given:
        if event not in EVENT_TYPES:
            raise InvalidInput("--event", f"{event!r} is no event", f"give one of {', '.join(EVENT_TYPES)}")
    return tuple(map(EventType, given))


def _check_replay(delivery: int | None, only: DeliveryFilter) -> None:
    given = only != DeliveryFilter()
    if (delivery is None) != given:
        problem = "are given beside a delivery" if given else "are missing"
        raise InvalidInput("--since, --until, --state", problem, "give one delivery's id, or some of these")


def _utc(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)


def _show_secret(secret: str) -> None:
    out.print(Text.assemble(("secret: ", "bold"), secret), soft_wrap=True)
    err.print("Keep it: it is not shown again. The receiver verifies signatures with it.", style="dim")


def _print_json(value: object) -> None:
    out.out(json.dumps(value), highlight=False)


def _with_endpoints(work: Callable[[Endpoints], Awaitable[T]]) -> T:
    """What `work` gives on the endpoints of the record store. See `on_store`."""
    from service.runtime.wiring import use_cases

    async def run(settings: Settings, store: "SqlStore") -> T:
        async with use_cases.opened_sender(settings) as sender:
            return await work(use_cases.endpoints(settings, store, sender))

    return on_store(run)
