"""What a page prints against what a command printed.

Exact but for: `...` stands for anything within a line, a line of `...` alone for any lines, and a number with a point
is met by one that differs by no more than .02, as a model's do from machine to machine.
"""

import re

_NUMBER = r"(?<![\w.])-?\d*\.\d+(?:e-?\d+)?(?![\w.])"
_NEAR = 0.02


def same(expected: str, printed: str) -> bool:
    """Whether the printed text is as expected; space at the ends of lines and empty lines around do not count."""
    lines = _trimmed(expected)
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else _line(line) + "\n" for line in lines)
    numbers = [number for line in lines for number in re.findall(_NUMBER, line)]
    found = re.fullmatch(pattern, "".join(f"{line}\n" for line in _trimmed(printed)))
    return found is not None and all(
        abs(float(wanted) - float(given)) <= _NEAR for wanted, given in zip(numbers, found.groups(), strict=True)
    )


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _line(line: str) -> str:
    pieces = re.split(rf"(\.\.\.|{_NUMBER})", line)
    return "".join(
        ".*?" if piece == "..." else f"({_NUMBER})" if re.fullmatch(_NUMBER, piece) else re.escape(piece)
        for piece in pieces
    )
