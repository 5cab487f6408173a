"""`assay claims match`: matches posts with claims without a server. Needs both the store and the classifiers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from classifiers.commands.options import Encoder, Heads, Model
from service.claims.files import ClaimFileError, read
from service.claims.ports import ClaimStore
from service.cli.claims import with_store
from service.cli.terminal import answered, err, opened
from service.domain.claim import Claim
from service.errors import InvalidInput
from service.feeds.documents import MAX_LINE, Malformed, lines, load

if TYPE_CHECKING:
    from classifiers.matcher import IndexMatch

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Text:
    """A line to match: its id, which is any JSON value, and the text."""

    id: object
    text: str


def match(
    file: Annotated[
        Path, typer.Argument(help="JSON lines with `id` and `text`; - reads standard input.", metavar="FILE")
    ] = Path("-"),
    claims: Annotated[
        Path | None,
        typer.Option(help="Match with the claims of this file, not with those in the record store.", metavar="FILE"),
    ] = None,
    model: Model = None,
    heads: Heads = None,
    encoder: Encoder = None,
) -> None:
    """Print, for each text, its five nearest claims and its relation to them, as a line of JSON."""
    from classifiers.errors import InputError

    try:
        if file != Path("-"):
            answered(lambda: _check_there("FILE", file))
        bad = answered(lambda: _match(file, _claims(claims), (model, heads, encoder)))
    except InputError as error:
        err.print(f"[red]error[/red]: {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    raise typer.Exit(1 if bad else 0)


def _match(file: Path, claims: Sequence[Claim], parts: tuple[Path | None, Path | None, Path | None]) -> int:
    """Match and print; the number of lines that could not be read."""
    from classifiers.bundle import load_bundle
    from classifiers.claims.index import Entry
    from classifiers.matcher import Matcher

    model, heads, encoder = parts
    matcher = Matcher(load_bundle(model, heads), encoder)
    index = matcher.index([Entry(claim.id, claim.claim, claim.title) for claim in claims])
    bad = given = 0
    items = _texts(file)
    while portion := list(islice(items, _AT_ONCE)):
        given += len(portion)
        texts = [item for item in portion if isinstance(item, _Text)]
        for text, found in zip(texts, matcher.match([text.text for text in texts], index), strict=True):
            matches = [_json(claims[match.place], match) for match in found]
            print(json.dumps({"id": text.id, "matches": matches}))
        for problem in (item for item in portion if isinstance(item, str)):
            bad += 1
            err.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
    if not given:
        raise InvalidInput("FILE", "holds no texts", "give lines of JSON with an `id` and a `text`")
    return bad


def _json(claim: Claim, match: "IndexMatch") -> dict[str, object]:
    score, p_relation = float(f"{match.score:.6g}"), float(f"{match.p_relation:.6g}")
    return {"claim_id": claim.id, "score": score, "relation": match.relation, "p_relation": p_relation}


def _claims(file: Path | None) -> list[Claim]:
    """The claims of a file, else those in the record store. Bad rows are named and skipped."""
    if file is None:
        return with_store(_stored)
    _check_there("--claims", file)
    found: dict[str, Claim] = {}
    with file.open("rb") as stream:
        for item in read(stream, file.name):
            if isinstance(item, ClaimFileError):
                err.print(f"{file}: {item}", style="red", highlight=False, markup=False, soft_wrap=True)
            else:
                found[item.id] = item
    if not found:
        raise InvalidInput("--claims", f"{file} holds no claims", "docs/claims.md has the formats")
    return list(found.values())


async def _stored(store: ClaimStore) -> list[Claim]:
    claims = [record.claim for record in (await store.claim_set()).records]
    if not claims:
        raise InvalidInput("claims", "the record store holds none", "run `assay claims load`, or give --claims FILE")
    return claims


def _check_there(name: str, file: Path) -> None:
    if not file.is_file() and not file.is_fifo():
        raise InvalidInput(name, f"there is no file {file}", "check the name")


def _texts(file: Path) -> Iterator[_Text | str]:
    """Texts of JSON lines in their order, and errors of lines that hold none."""
    with opened(file) as stream:
        for number, line in lines(stream):
            yield _text(line, number)


def _text(line: bytes | None, number: int) -> _Text | str:
    if line is None:
        return f"line {number}: is over {MAX_LINE:,} bytes; shorten it"
    try:
        fields = load(line)
    except Malformed as error:
        return f"line {number}: {error.problem}; {error.remedy}"
    if not isinstance(fields, dict) or "id" not in fields:
        return f"line {number}: id is missing; give each line an `id` and a `text`"
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        return f"line {number}: text is missing or empty; give each line an `id` and a `text`"
    return _Text(fields["id"], text)
