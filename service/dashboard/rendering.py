"""Templates: escaped always, strict about names, with filters that put numbers and times as people read them."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.dashboard.charts import estimates
from service.domain.decision import Category

HERE = Path(__file__).parent
STATIC = HERE / "static"
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_SPELLED = {category.value: category.words[:1].upper() + category.words[1:] for category in Category}


def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        percent=percent, number=number, when=when, iso=iso, ago=ago, lasting=lasting, words=words, plural=plural
    )
    made.filters.update(
        share=estimates.share, estimated=estimates.estimated, between=estimates.between, took=estimates.duration
    )
    made.globals.update(asset=asset)
    return made


def percent(value: float | None, places: int = 0) -> str:
    """A share as percent; a dash for none."""
    return "–" if value is None else f"{value:.{places}%}"


def number(value: float | None) -> str:
    """A number with commas; a dash for none."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def when(moment: datetime | None) -> str:
    """A time to the minute, in UTC; a dash for none."""
    return "–" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(moment: datetime) -> str:
    """A time as machines read it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(moment: datetime | None) -> str:
    """How long it is since (or until) a time, roughly; `never` for none."""
    if moment is None:
        return "never"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if abs(seconds) < 45:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{lasting(seconds)} ago" if seconds > 0 else f"in {lasting(-seconds)}"


def lasting(duration: float | timedelta) -> str:
    """A duration, of seconds if it is a number, in its largest unit."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def words(value: StrEnum | str) -> str:
    """An internal name as words: `HARASSMENT` as `Harassment`, `decide_many` as `Decide many`."""
    return _SPELLED.get(value.upper(), value.replace("_", " ").replace(".", " ").capitalize())


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 post`, `1,240 posts`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@cache
def asset(name: str) -> str:
    """The URL of a static file, with a version that changes when the file does.

    Scripts go without: they import each other by their plain names, and one under two URLs would run twice.
    """
    if name.endswith(".js"):
        return f"/static/{name}"
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def joined(items: Iterable[Any]) -> str:
    """Items in one line, comma between; a dash for none."""
    return ", ".join(map(str, items)) or "–"
