"""Ports stay small: whoever writes an adapter or a fake of one has a dozen methods to write at most."""

import importlib
import inspect
import pkgutil
from typing import Any, Protocol

import pytest

import service

MOST = 12


def ports() -> list[type]:
    """Every Protocol that a module of the service defines, by its full name."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(service.__path__, "service.")
        if not (found.name.endswith(".__main__") or ".migrations." in found.name)  # these run as they are imported
    ]
    found = {name_of(each): each for module in modules for each in vars(module).values() if is_port(each)}
    return [found[name] for name in sorted(found) if name.startswith("service.")]


def is_port(what: Any) -> bool:
    return inspect.isclass(what) and bool(getattr(what, "_is_protocol", False))


def name_of(port: type) -> str:
    return f"{port.__module__}.{port.__qualname__}"


def methods_of(port: type) -> set[str]:
    """What an adapter of the port has to have, inherited too: its methods and properties."""
    own = {base for base in port.__mro__ if is_port(base) and base is not Protocol}
    return {
        name
        for base in own
        for name, value in vars(base).items()
        if (inspect.isfunction(value) or isinstance(value, property)) and name not in {"__init__", "__subclasshook__"}
    }


def too_large(port: type) -> str:
    """What is wrong with the port, and what to do; empty when nothing is."""
    count = len(methods_of(port))
    if count <= MOST:
        return ""
    return (
        f"{name_of(port)} has {count} methods, over {MOST}: split it by who calls them, and let each use case name the "
        "small Protocol that it takes; one adapter may have several (`SqlReview`), or stand beside another "
        "(`SqlClaims.beside(store)`)"
    )


def test_no_port_has_over_a_dozen_methods() -> None:
    assert not (problems := list(filter(None, map(too_large, ports())))), "\n".join(problems)


def test_all_ports_are_looked_at() -> None:
    names = set(map(name_of, ports()))
    assert {
        "service.records.ports.PostStore",
        "service.review.ports.CaseStore",
        "service.failures.FailureReporter",
    } <= names
    assert len(names) > 50


class Half(Protocol):
    async def a(self) -> None: ...
    async def b(self) -> None: ...
    async def c(self) -> None: ...
    async def d(self) -> None: ...
    async def e(self) -> None: ...
    async def f(self) -> None: ...
    @property
    def g(self) -> int: ...


class Whole(Half, Protocol):
    async def a(self) -> None: ...
    async def h(self) -> None: ...
    async def i(self) -> None: ...
    async def j(self) -> None: ...
    async def k(self) -> None: ...
    def m(self) -> None: ...


class Over(Whole, Protocol):
    def n(self) -> None: ...


@pytest.mark.parametrize(("port", "count"), [(Half, 7), (Whole, 12), (Over, 13)])
def test_what_is_inherited_counts_once(port: type, count: int) -> None:
    assert len(methods_of(port)) == count
    assert bool(too_large(port)) is (count > MOST)


def test_it_says_the_count_and_the_remedy() -> None:
    assert "Over has 13 methods, over 12: split it by who calls them" in too_large(Over)
