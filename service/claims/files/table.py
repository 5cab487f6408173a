"""Claims in a table: CSV (RFC 4180) with a header; commas, semicolons, tabs or bars between columns in any order."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from service.claims.files import records
from service.claims.files.items import ClaimFileError, Item, Note, attempt, error
from service.domain.claim import Claim
from service.errors import InvalidInput

_DELIMITERS = ",;\t|"
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that are not UTF-8


def read(lines: Iterable[bytes], note: Note) -> Iterator[Item]:
    """A claim or an error a row; holds one row at a time. Without a valid header one error, and no row is read."""
    decoded = (line.decode("utf-8", "surrogateescape") for line in lines)
    header, number = _header(decoded)
    if not header:
        return
    delimiter = max(_DELIMITERS, key=lambda mark: len(_known(_names(header, mark))))
    names = _names(header, delimiter)
    try:
        _check(header, names)
    except InvalidInput as cause:
        yield error(f"line {number}", cause)
        return
    for name in dict.fromkeys(name for name in names if name not in records.FIELDS):
        note(f"column {name[:80]!r} is ignored")
    yield from _rows(decoded, delimiter, names, number)


def _header(lines: Iterator[str]) -> tuple[str, int]:
    """The first line that is not blank, and its number; empty when there is none."""
    for number in count(1):
        line = next(lines, None)
        if line is None:
            break
        if line.removeprefix("\ufeff").strip():
            return line.removeprefix("\ufeff"), number
    return "", 0


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error:  # longer than any header
        return []


def _known(names: Iterable[str]) -> set[str]:
    return {*names} & {*records.FIELDS}


def _check(header: str, names: Sequence[str]) -> None:
    """Raise `InvalidInput` unless these are the names of columns that hold claims."""
    if _UNDECODED.search(header):
        raise InvalidInput("", "is not UTF-8", "save the file as CSV in UTF-8")
    if "claim" not in names:
        shown = ", ".join(map(repr, names))[:200]
        remedy = f"name the columns in the first line: {', '.join(records.FIELDS[:7])}; only claim must be there"
        raise InvalidInput("header", f"has no column claim but {shown or 'nothing that could be read'}", remedy)
    if twice := next((name for name in records.FIELDS if names.count(name) > 1), ""):
        raise InvalidInput("header", f"names the column {twice} twice", "keep one of them")


def _rows(lines: Iterator[str], delimiter: str, names: Sequence[str], above: int) -> Iterator[Item]:
    """The rows below the `above` first lines, each with the line that it begins on."""
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        where = f"line {above + rows.line_num + 1}"
        try:
            row = next(rows, None)
        except csv.Error as cause:
            yield ClaimFileError(
                where, f"is not CSV: {cause}", "look for a quotation mark that is opened and not closed"
            )
            continue
        if row is None:
            return
        if any(map(str.strip, row)):
            yield attempt(where, lambda row=row: _claim(row, names))  # type: ignore[misc]


def _claim(row: Sequence[str], names: Sequence[str]) -> Claim:
    if len(row) > len(names) and any(map(str.strip, row[len(names) :])):
        problem = f"holds {len(row)} fields, {len(row) - len(names)} more than the header"
        raise InvalidInput("", problem, "put fields with the separator or a line end in quotation marks")
    for name, value in zip(names, row, strict=False):
        if _UNDECODED.search(value):
            raise InvalidInput(name[:80], "is not UTF-8", "save the file as UTF-8")
    return records.claim_of(dict(zip(names, row, strict=False)))
