"""Red-teaming: figures of a real detector under attack, their table, and the command."""

import json
from pathlib import Path

import pytest

from classifiers.attacks import ATTACKS, Attack, Family
from classifiers.data.rows import DataError, Row, select
from classifiers.detector import Detector
from classifiers.evaluation.redteam import (
    MOST_RAISED,
    WHOLE,
    AttackFigure,
    Post,
    RedTeamOptions,
    load_labelled,
    measure,
    table,
)
from tests.processes import assay_here

UNDONE = ("homoglyph", "zero-width space", "whitespace", "paragraph insertion")


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def held_out(corpus: list[Row]) -> list[Row]:
    return [row for row in select(corpus, "test") if row.dataset == "mixed"]


@pytest.fixture(scope="module")
def figures(detector: Detector, held_out: list[Row]) -> dict[str, AttackFigure]:
    return {one.attack: one for one in measure(detector, held_out, say=quiet)}


def test_every_attack_has_a_figure(figures: dict[str, AttackFigure], held_out: list[Row]) -> None:
    assert list(figures) == list(ATTACKS)
    for one in figures.values():
        assert (one.positives, one.negatives) == (
            sum(row.ai == 1 for row in held_out),
            sum(row.ai == 0 for row in held_out),
        )
        assert one.fpr_clean <= 0.05
        assert 0 < one.tpr_clean <= 1
        assert one.kept == pytest.approx(one.tpr / one.tpr_clean)
        assert one.part == WHOLE


def test_what_normalisation_undoes_costs_nothing(figures: dict[str, AttackFigure]) -> None:
    for name in UNDONE:
        assert figures[name].kept == 1
        assert figures[name].fpr == figures[name].fpr_clean


def test_an_attack_that_hides_the_machine_is_seen(detector: Detector, held_out: list[Row]) -> None:
    shout = "lol my bus was late again u guys wont believe this rain ugh coffee pls"
    hiding = Attack("chatter", Family.REWRITE, 1.0, "this test", lambda _text, _rng, _rate: shout)
    (one,) = measure(detector, held_out, attacks=[hiding], say=quiet)
    assert one.tpr_clean > 0.8
    assert one.tpr in (0.0, 1.0)
    assert one.tpr == one.fpr


def test_a_figure_depends_on_neither_run_nor_company(
    detector: Detector, held_out: list[Row], figures: dict[str, AttackFigure]
) -> None:
    (alone,) = measure(detector, held_out, attacks=[ATTACKS["misspelling"]], say=quiet)
    assert alone == figures["misspelling"]


def test_first_words_are_a_part_of_their_own(detector: Detector, held_out: list[Row]) -> None:
    (one,) = measure(detector, held_out, attacks=[ATTACKS["homoglyph"]], words=6, say=quiet)
    assert one.part == "first 6 words"


def test_one_class_alone_is_refused(detector: Detector) -> None:
    with pytest.raises(DataError, match="machine-written"):
        measure(detector, [Post("a text", 1.0), Post("another", None)], say=quiet)


def test_the_table_states_goals_beside_figures() -> None:
    one = AttackFigure("synonym", "word", 0.5, "RAID", WHOLE, 10, 40, 0.9, 0.45, 0.5, 0.05, 0.1, 2.0, 0.8)
    unflagged = AttackFigure("paraphrase", "rewrite", 1.0, "RAID", WHOLE, 10, 40, 0.0, 0.0, None, 0.0, 0.1, None, None)
    text = table([one, unflagged])
    assert "| synonym | word | 50% | whole texts | 0.900 | 0.450 | 50.0% | >= 80% | 0.100 | 2.00 |" in text
    assert "| paraphrase | rewrite | 100% | whole texts | 0.000 | 0.000 | - | - | 0.100 | - |" in text
    assert f"at most {MOST_RAISED} times" in text


def test_directories_give_held_out_rows_that_say_who_wrote_them(data_dir: Path) -> None:
    rows = load_labelled(RedTeamOptions(data_dir, per_set=15))
    assert {row.ai for row in rows} == {0.0, 1.0}
    assert len(rows) >= 20


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"ai": 1}', '{"text": " ", "ai": 1}', '{"text": 5, "ai": 1}', '{"text": "a", "ai": 2}']
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"text": "fine", "ai": 0}\n' + line + "\n")
    with pytest.raises(DataError, match=r"posts\.jsonl, line 2"):
        load_labelled(RedTeamOptions(file))


def test_the_command_prints_a_table_and_writes_a_report(tmp_path: Path, bundle_dir: Path, held_out: list[Row]) -> None:
    file, report = tmp_path / "posts.jsonl", tmp_path / "report.json"
    file.write_text("".join(json.dumps({"text": row.text, "ai": row.ai}) + "\n" for row in held_out))
    done = assay_here(
        "redteam", "--data", str(file), "--model", str(bundle_dir), "--words", "10", "--report", str(report)
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(lines) == 1 + 2 * len(ATTACKS)
    found = json.loads(report.read_text())
    assert [one["attack"] for one in found["figures"]] == 2 * list(ATTACKS)
    assert {one["part"] for one in found["figures"]} == {WHOLE, "first 10 words"}
    assert found["false_rate"] == 0.05


def test_an_unreadable_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text("nonsense\n")
    done = assay_here("redteam", "--data", str(file))
    assert done.returncode == 2
    assert "line 1" in done.stderr
    assert "Traceback" not in done.stderr
