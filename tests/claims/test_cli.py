"""`assay claims` on a real SQLite file: loading, loading again, looking through, and what people do wrong."""

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
Written = Callable[[str, object], Path]

HEADER = "id,claim,title,url,date,verdict,publisher"


def refused(done: CompletedProcess[str], *words: str) -> None:
    """Assert that a command failed and said so in these words."""
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said
    assert all(word in said for word in words), said


def version(done: CompletedProcess[str]) -> str:
    return done.stdout.partition("claim set version: ")[2].strip()


def stored(directory: Path) -> int:
    with sqlite3.connect(directory / "data" / "assay.db") as database:
        return int(database.execute("select count(*) from claims").fetchone()[0])


def test_a_second_run_finds_all_unchanged(run: Run, written: Written, tmp_path: Path) -> None:
    rows = [f"{n},Claim number {n} of many,,,,{'False' if n % 4 else 'Unproven'},Bakers" for n in range(2500)]
    table = written("claims.csv", [HEADER, *rows])
    first = run("load", table)
    assert first.returncode == 0, first.stderr
    assert "2,500 claims: 2,500 new, 0 updated, 0 unchanged; bad rows: 0" in first.stdout
    assert "unrated: 625 (25.0%)" in first.stdout
    assert stored(tmp_path) == 2500
    again = run("load", table)
    assert "0 new, 0 updated, 2,500 unchanged" in again.stdout
    assert len(version(first)) == 32
    assert version(again) == version(first)
    changed = run("load", "-", stdin=json.dumps({"id": 7, "claim": "Claim number 7 of few"}))
    assert "1 claims: 0 new, 1 updated, 0 unchanged" in changed.stdout
    assert version(changed) not in {"", version(first)}


def test_good_rows_are_stored_and_bad_ones_named(run: Run, written: Written, tmp_path: Path) -> None:
    table = written(
        "mixed.csv", [HEADER, "1,Cheese,,,,False,B", "2,,,,,False,B", "3,Rock,,,soon,True,B", "1,Tofu,,,,False,B"]
    )
    zipped = written(
        "more.jsonl.gz", gzip.compress(b'{"id": "4", "claim": "Sand"}\n{"id": "1", "claim": "Lava"}\n{}\n')
    )
    done = run("load", table, zipped)
    refused(done, f"{table}, line 3: claim is missing", f"{table}, line 4: date 'soon'", f"{zipped}, line 3: claim is")
    assert "4 claims: 2 new, 1 updated, 0 unchanged; bad rows: 3" in done.stdout
    assert "ids that came again: 1 (1)" in done.stdout
    assert stored(tmp_path) == 2
    assert json.loads(run("show", "1", "--json").stdout)["claim"] == "Lava"


def test_a_dry_run_stores_nothing(run: Run, written: Written, tmp_path: Path) -> None:
    done = run("load", "--dry-run", written("claims.json", [{"id": "1", "claim": "Cheese"}]))
    assert done.returncode == 0
    assert "1 claims: only checked, none stored" in done.stdout
    assert not (tmp_path / "data").exists()


def test_export_is_what_load_takes_back(run: Run, written: Written) -> None:
    claims = [{"id": str(n), "claim": f"Claim {n}", "verdict": "False", "date": "2026-05-01"} for n in range(3)]
    first = run("load", written("claims.jsonl", claims))
    exported = run("export")
    assert [json.loads(line)["date"] for line in exported.stdout.splitlines()] == ["2026-05-01"] * 3
    again = run("load", "-", stdin=exported.stdout)
    assert "3 unchanged" in again.stdout
    assert version(again) == version(first)


def test_a_quarantined_claim_is_listed_as_such_until_it_is_released(run: Run, written: Written) -> None:
    claims = [{"id": f"c-{n}", "claim": f"Claim {n} [of cheese]", "publisher": "AB"[n % 2]} for n in range(4)]
    table = written("claims.jsonl", claims)
    run("load", table)
    assert "surge" in run("quarantine", "c-2", "--reason", "surge").stdout
    assert "4 unchanged" in run("load", table).stdout
    (line,) = run("list", "--state", "quarantined", "--json").stdout.splitlines()
    assert (json.loads(line)["id"], json.loads(line)["reason"]) == ("c-2", "surge")
    assert "quarantined" not in run("release", "c-2").stdout
    shown = run("list", "--publisher", "A", "--limit", "1").stdout
    assert "Claim 0 [of cheese]" in shown
    assert "and more" in shown
    assert "Claim 2" not in shown
    assert [json.loads(line)["id"] for line in run("list", "--query", "CLAIM 3", "--json").stdout.splitlines()] == [
        "c-3"
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", ("holds no claims",)),
        ("header.csv", b"id,text\n1,x\n", ("line 1", "no column claim", "'text'")),
        ("photo.png", bytes(range(255, 0, -1)) * 4000, ("line 1", "not UTF-8")),
        ("broken.json", b'{"dataFeedElement": [\n{"item": ]}', ("line 2", "not JSON")),
        ("cut.gz", gzip.compress(b"claim\n" + bytes(range(32, 127)) * 99, mtime=0)[:-9], ("damaged gzip",)),
    ],
)
def test_a_file_that_holds_no_claims(
    run: Run, written: Written, name: str, content: bytes, words: tuple[str, ...]
) -> None:
    refused(run("load", "--dry-run", written(name, content)), name, *words)


def test_names_that_are_wrong(run: Run, written: Written, tmp_path: Path) -> None:
    table = written("claims.csv", ["claim", "Cheese"])
    refused(run("load", table, tmp_path / "nothing.csv"), "nothing.csv", "is no file")
    assert not (tmp_path / "data").exists()  # nothing is loaded before all are there
    refused(run("load", tmp_path), "is no file")
    refused(run("load", table, "--format", "xml"), "'xml'", "jsonld")
    refused(run("show", "nobody"), "nobody")
    refused(run("quarantine", "nobody", "--reason", " "), "reason")
    refused(run("load", table, ASSAY_DATABASE_URL=f"sqlite:///{tmp_path}/new.db"), "assay migrate")
    refused(run("list", ASSAY_DATABASE_URL="mysql://localhost/assay"), "postgresql://")
