"""Leave-one-out grids: refitted without the fold, taken up again, and refused where they are of something else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from classifiers.errors import InputError
from classifiers.evaluation.figures import Grid
from classifiers.evaluation.leaveout import LeaveOutOptions, leave_out


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def options(data_dir: Path, bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LeaveOutOptions:
    report = tmp_path_factory.mktemp("grid") / "generator.json"
    return LeaveOutOptions(
        data_dir, "generator", bundle_dir, base=bundle_dir, report=report, draws=300, per_class=25, dev_per_set=40
    )


@pytest.fixture(scope="module")
def grid(options: LeaveOutOptions) -> Grid:
    return leave_out(options, quiet)


def test_each_generator_is_measured_by_each_branch_whole_and_cropped(grid: Grid, bundle_dir: Path) -> None:
    assert {figure.part for figure in grid.figures} == {"gpt"}, "gpt-a and gpt-b are one family"
    assert grid.base == bundle_dir.name
    whole = {figure.branch: figure for figure in grid.figures if figure.cut == "whole"}
    assert set(whole) == {"fusion", "screen", "llama"}
    assert whole["screen"].auroc == 0.5, "without its only generator nothing tells the machine's texts"
    assert {figure.cut for figure in grid.figures} == {"whole", "first"}
    assert all(figure.frozen_fpr is not None for figure in grid.figures)


def test_a_finished_fold_is_not_measured_again(options: LeaveOutOptions, grid: Grid) -> None:
    said: list[str] = []
    assert leave_out(options, said.append) == grid
    assert not any("fold 1" in line for line in said)


def test_a_report_of_other_settings_is_refused(options: LeaveOutOptions, grid: Grid) -> None:
    assert grid.figures
    with pytest.raises(InputError, match="another bundle, base or settings"):
        leave_out(replace(options, draws=200), quiet)


def test_a_file_that_is_no_grid_is_named(options: LeaveOutOptions, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"by": "set"}))
    with pytest.raises(InputError, match=r"other\.json"):
        leave_out(replace(options, report=path), quiet)
