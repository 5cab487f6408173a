from io import StringIO

from rich.console import Console

from classifiers.training.bar import training_bar


def _shown(*, terminal: bool) -> str:
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with training_bar(600, console) as tick:
        tick(120, 240_000)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_terminal_is_told_throughput_and_time_left() -> None:
    assert "20%" in _shown(terminal=True)
    assert "2,000 tokens/s, 8.0 min left" in _shown(terminal=True)


def test_a_file_is_not_filled_with_bars() -> None:
    assert _shown(terminal=False).strip() == ""
