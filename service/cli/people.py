"""`assay people`: who may sign in to the dashboard. For whoever holds the machine; it speaks to the database alone."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from service.cli.terminal import AsJson, on_store, out
from service.errors import NotFound
from service.people.directory import SYSTEM, Directory
from service.people.person import Person
from service.people.roles import Role

people = typer.Typer(no_args_is_help=True, help="Look after the people who may sign in to the dashboard.")

Name = Annotated[str, typer.Argument(help="The name that they sign in with.")]
Roles = Annotated[list[Role], typer.Argument(help="viewer, moderator, lead, policy, admin.", case_sensitive=False)]
T = TypeVar("T")
_PORTION = 200


@people.command()
def add(name: Name, roles: Roles) -> None:
    """Add somebody with a local account, and print their one-time password."""
    person, password = _with(lambda directory: directory.add(name, frozenset(roles), by=SYSTEM))
    _print_password(person, password)


@people.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List everybody."""
    found = _with(_everybody)
    if as_json:
        for person in found:
            out.out(json.dumps(_json(person)), highlight=False)
        return
    table = Table("name", "id in the log", "roles", "account", "signed in", box=None)
    for person in found:
        signed_in = f"{person.signed_in_at:%Y-%m-%d %H:%M} UTC" if person.signed_in_at else "never"
        table.add_row(escape(person.name), person.id, ", ".join(sorted(person.roles)), _account(person), signed_in)
    out.print(table if found else "Nobody yet; `assay up` adds the first administrator.")


@people.command()
def roles(name: Name, roles: Roles) -> None:
    """Set what somebody may do; they must sign in again."""
    person = _with(lambda directory: _then(directory, name, lambda whose: _set_roles(directory, whose, roles)))
    out.print(f"{escape(person.name)} has the roles {', '.join(sorted(person.roles))}.", highlight=False)


@people.command()
def password(name: Name) -> None:
    """Print a new one-time password of a local account; the old one and all its sessions end."""
    person = _with(lambda directory: _named(directory, name))
    _print_password(person, _with(lambda directory: directory.reset_password(person.id, by=SYSTEM)))


@people.command()
def disable(name: Name) -> None:
    """Sign somebody out and keep them out."""
    _set_disabled(name, True)


@people.command()
def enable(name: Name) -> None:
    """Let somebody in again."""
    _set_disabled(name, False)


def _set_disabled(name: str, disabled: bool) -> None:
    def change(directory: Directory) -> Awaitable[Person]:
        return _then(directory, name, lambda whose: directory.set_disabled(whose.id, disabled, by=SYSTEM))

    person = _with(change)
    out.print(f"{escape(person.name)} {'is shut out' if disabled else 'may sign in again'}.", highlight=False)


def _set_roles(directory: Directory, whose: Person, roles: list[Role]) -> Awaitable[Person]:
    return directory.set_roles(whose.id, frozenset(roles), by=SYSTEM)


def _print_password(person: Person, password: str) -> None:
    out.print(f"One-time password of {escape(person.name)}: [bold]{password}[/bold]", highlight=False)
    out.print("It works for seven days and must be changed at the first sign-in.", style="dim")


def _account(person: Person) -> str:
    if person.disabled:
        return "disabled"
    return "OpenID" if person.issuer else "one-time password" if person.one_time else "local"


def _json(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "roles": sorted(person.roles),
        "disabled": person.disabled,
        "issuer": person.issuer,
        "one_time_password": person.one_time,
    }


async def _everybody(directory: Directory) -> list[Person]:
    found: list[Person] = []
    while page := await directory.people(after=found[-1].name if found else "", limit=_PORTION):
        found += page
    return found


async def _then(directory: Directory, name: str, work: Callable[[Person], Awaitable[Person]]) -> Person:
    return await work(await _named(directory, name))


async def _named(directory: Directory, name: str) -> Person:
    person = await directory.named(name)
    if person is None:
        raise NotFound(f"there is no one called {name}; `assay people list` shows who there is")
    return person


def _with(work: Callable[[Directory], Awaitable[T]]) -> T:
    """What `work` gives on the people of the record store. See `on_store`."""
    from service.runtime.wiring.use_cases import directory

    return on_store(lambda _, store: work(directory(store)))
