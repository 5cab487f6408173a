"""A progress bar for a training run: share of the time spent, tokens a second, time left. On a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

Tick = Callable[[float, int], None]
"""Gets the seconds spent and the tokens seen so far."""


@contextmanager
def training_bar(seconds: float, console: Console | None = None) -> Iterator[Tick]:
    """A bar for a run of this many seconds, on standard error."""
    screen = console or Console(stderr=True)
    told = TextColumn("{task.fields[tokens_a_second]:,.0f} tokens/s, {task.fields[minutes_left]:.1f} min left")
    columns = (TextColumn("training"), BarColumn(), TaskProgressColumn(), told)
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("training", total=seconds, tokens_a_second=0.0, minutes_left=seconds / 60)

        def tick(spent: float, tokens: int) -> None:
            left = max(0.0, seconds - spent) / 60
            progress.update(task, completed=spent, tokens_a_second=tokens / max(1.0, spent), minutes_left=left)

        yield tick
