"""`assay claims match` with the shipped bundle: what it prints, where its claims come from, what people do wrong."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from service.domain.claim import Claim, Relation
from service.domain.codec import encode_claim
from tests.processes import assay_here

Match = Callable[..., CompletedProcess[str]]


@pytest.fixture
def match(tmp_path: Path) -> Match:
    """Runs `assay claims match` beside an embedded database of this test's own."""

    def run(*arguments: str | Path, stdin: str | None = None, **values: str) -> CompletedProcess[str]:
        settings = {"ASSAY_DATA_DIR": str(tmp_path / "data"), **values}
        return assay_here("claims", "match", *map(str, arguments), stdin=stdin, **settings)

    return run


@pytest.fixture
def claim_file(tmp_path: Path, claims: list[Claim]) -> Path:
    """The claims, and two more, as JSON lines."""
    more = [Claim(id=f"more-{n}", claim=f"The town hall has {n} clocks that run backwards.") for n in (3, 12)]
    path = tmp_path / "claims.jsonl"
    path.write_text("".join(json.dumps(encode_claim(claim)) + "\n" for claim in (*claims, *more)))
    return path


def as_csv(lines: str) -> bytes:
    rows = [json.loads(line) for line in lines.splitlines()]
    table = io.StringIO()
    writer = csv.DictWriter(table, ["id", "claim", "title", "url", "verdict", "publisher"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()


def answers(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    """What was printed; every line must keep the schema."""
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in printed:
        assert list(answer) == ["id", "matches"]
        for found in answer["matches"]:
            assert list(found) == ["claim_id", "score", "relation", "p_relation"]
            assert 0 <= found["score"] <= 1
            assert 0 < found["p_relation"] <= 1
            assert found["relation"] in list(Relation)
        scores = [found["score"] for found in answer["matches"]]
        assert scores[0] == max(scores)
    return printed


def firsts(printed: Sequence[dict[str, Any]]) -> list[str]:
    """The id of each text's best match; each must have five matches of different claims."""
    assert all(len({found["claim_id"] for found in answer["matches"]}) == 5 for answer in printed)
    return [answer["matches"][0]["claim_id"] for answer in printed]


def refused(done: CompletedProcess[str], *words: str) -> None:
    """Assert that a command printed nothing, failed, and said so in these words."""
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_good_lines_are_answered_and_bad_ones_named(match: Match, claim_file: Path, claims: list[Claim]) -> None:
    ids: list[Any] = ["t-1", 7, 1.5, None, True, [1, {"deep": None}], {"k": "v"}, "", "\ud800", "naïve 🧪", 10**30]
    good = [json.dumps({"id": each, "text": claims[n % 4].claim, "lang": "en"}) for n, each in enumerate(ids)]
    bad = {
        b"not json": "is not JSON",
        b"\xff\xfe{}": "is not UTF-8",
        b'{"text": "no id"}': "id is missing",
        b'{"id": 1}': "text is missing",
        b'{"id": 2, "text": " \\n "}': "text is missing or empty",
        b'{"id": 3, "text": 5}': "text is missing",
        b'["id", "text"]': "id is missing",
        b'{"id": 4, "text": "' + b"x" * (1 << 20) + b'"}': "1,048,576",
        b'{"id": 5, "text": "cut': "is not JSON",
    }
    mixed = [line for pair in zip(map(str.encode, good), bad, strict=False) for line in pair]
    texts = claim_file.with_name("texts.jsonl")
    texts.write_bytes(b"\n".join([*mixed, *map(str.encode, good[len(bad) :])]) + b"\n")
    done = match(texts, "--claims", claim_file)
    assert done.returncode == 1
    printed = answers(done)
    assert [answer["id"] for answer in printed] == ids
    assert [type(answer["id"]) for answer in printed] == list(map(type, ids))
    assert firsts(printed) == [claims[n % 4].id for n in range(len(ids))]
    told = done.stderr.splitlines()
    assert len(told) == len(bad)
    for place, (line, words) in enumerate(zip(told, bad.values(), strict=True)):
        assert line.startswith(f"line {2 * place + 2}: "), line
        assert words in line


@pytest.mark.parametrize("source", ["csv", "jsonl.gz", "csv.gz", "store"])
def test_claims_come_from_files_of_each_format_and_from_the_store(
    match: Match, claim_file: Path, claims: list[Claim], tmp_path: Path, source: str
) -> None:
    lines = claim_file.read_text()
    content = as_csv(lines) if "csv" in source else lines.encode()
    file = tmp_path / f"other.{source}"
    file.write_bytes(gzip.compress(content) if source.endswith("gz") else content)
    if source == "store":
        assert assay_here("claims", "load", str(claim_file), ASSAY_DATA_DIR=str(tmp_path / "data")).returncode == 0
    stdin = "\n".join(json.dumps({"id": claim.id, "text": f"Is it so? {claim.claim}"}) for claim in claims)
    done = match(*(() if source == "store" else ("--claims", file)), stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    printed = answers(done)
    assert [answer["id"] for answer in printed] == firsts(printed) == [claim.id for claim in claims]


def test_bad_rows_of_a_claim_file_are_named_and_the_others_matched(match: Match, claim_file: Path) -> None:
    rows = claim_file.read_text().splitlines()[:2]
    claim_file.write_text("\n".join([rows[0], '{"id": "x"}', "{", rows[1]]))
    done = match("--claims", claim_file, stdin='{"id": 1, "text": "The lighthouse at Port Hallow was sold!"}')
    assert done.returncode == 0  # every text is answered
    [answer] = answers(done)
    assert [found["claim_id"] for found in answer["matches"]] == ["lighthouse", "garlic"]
    assert f"{claim_file}: line 2: claim is missing" in done.stderr
    assert f"{claim_file}: line 3: " in done.stderr


def test_no_texts_or_no_parts_to_match_with(match: Match, claim_file: Path, bare_bundle: Path) -> None:
    refused(match("--claims", claim_file, stdin=" \n\n"), "FILE", "holds no texts")
    refused(match("--claims", claim_file, "--model", bare_bundle, stdin="{}"), "claims.safetensors", "claims train")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", ("holds no claims",)),
        ("photo.png", bytes(range(255, 0, -1)) * 400, ("line 1", "not UTF-8", "holds no claims")),
        (
            "cut.gz",
            gzip.compress(b'{"id": "1", "claim": "Cheese"}' * 99, mtime=0)[:-40],
            ("damaged gzip", "holds no claims"),
        ),
        ("texts.jsonl", b'{"id": 1, "text": "x"}\n', ("line 1", "claim is missing", "holds no claims")),
    ],
)
def test_a_file_that_holds_no_claims(
    match: Match, tmp_path: Path, name: str, content: bytes, words: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    refused(match("--claims", tmp_path / name, stdin='{"id": 1, "text": "x"}'), name, *words)


def test_names_that_are_wrong(match: Match, claim_file: Path, tmp_path: Path) -> None:
    refused(match(tmp_path / "nothing.jsonl", "--claims", claim_file), "FILE", "nothing.jsonl")
    refused(match(tmp_path, "--claims", claim_file), "FILE", str(tmp_path))
    refused(match("--claims", tmp_path / "nothing.csv", stdin="{}"), "--claims", "nothing.csv")
    refused(match(stdin="{}"), "the record store holds none", "assay claims load", "--claims")
    refused(match(stdin="{}", ASSAY_DATABASE_URL=f"sqlite:///{tmp_path}/new.db"), "assay migrate")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ("load", "list", "show", "quarantine", "release", "export", "eval", "match", "train", "fact-checked")),
        ("load", ("FILE", "ClaimReview", "CSV", "standard input", "--format", "--dry-run")),
        ("list", ("--state", "--publisher", "--query", "--limit", "--json")),
        ("show", ("ID", "--json")),
        ("quarantine", ("ID", "--reason", "enforcement")),
        ("release", ("ID", "enforcement")),
        ("export", ("JSON lines", "assay claims load")),
        ("match", ("FILE", "--claims", "--model", "--heads", "--encoder", "standard input")),
        ("eval", ("--data",)),
        ("train", ("--data", "--bundle", "--teacher")),
    ],
)
def test_help_names_what_there_is(command: str, words: tuple[str, ...]) -> None:
    done = assay_here("claims", *command.split(), "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(word in done.stdout for word in words), done.stdout
