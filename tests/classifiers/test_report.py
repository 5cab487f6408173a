"""What `assay evaluate` writes: a page that needs nothing else, the same in Markdown and JSON, and the card."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import load_bundle
from classifiers.calibration.certificates import Certificate
from classifiers.evaluation.card import card
from classifiers.evaluation.evaluate import EvaluateOptions, evaluate
from classifiers.evaluation.figures import Figure, Grid, Report
from classifiers.labels import LABELS

POSTS = Path(__file__).with_name("fixture_posts.jsonl")


def quiet(_: str) -> None:
    """Say nothing."""


def a_grid(version: str) -> Grid:
    cells = [("gpt-a", "fusion", 0.91), ("gpt-a", "screen", 0.85), ("gpt-a", "llama", 0.88)]
    cells += [("gpt-b", "fusion", 0.75), ("gpt-b", "screen", 0.72), ("gpt-b", "llama", 0.7)]
    figures = tuple(
        Figure("ai_generated", "whole", part, "left out", branch, 60, 60, value, 0.3, 0.4, 0.05, (value - 0.1, value))
        for part, branch, value in cells
    )
    return Grid("generator", version, "base", {"draws": 100}, figures)


@pytest.fixture(scope="module")
def written(data_dir: Path, bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """A report and a card of the tiny bundle, with attacks, a grid and the committed posts."""
    home = tmp_path_factory.mktemp("report")
    a_grid(load_bundle(bundle_dir).version).save(home / "grid.json")
    options = EvaluateOptions(
        data_dir,
        bundle_dir,
        report=home / "out",
        card=home / "card.md",
        leaveout=(home / "grid.json",),
        fixture=POSTS,
        expect=home / "figures.json",
        attack_rows=8,
    )
    return home, evaluate(options, quiet)


def test_the_page_stands_alone_and_holds_every_picture(written: tuple[Path, Report]) -> None:
    home, _ = written
    page = (home / "out" / "report.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page), "nothing is fetched"
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    pictures = {path.stem for path in (home / "out" / "pictures").glob("*.png")}
    assert pictures == {
        "attacks",
        "fairness",
        "leave-generator-out",
        "length",
        "reliability",
        "roc",
        "spread",
    }
    assert page.count("<svg") == len(pictures)
    assert "prefers-color-scheme: dark" in page
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers)), "pictures on one page don't mix up their parts"
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(identifiers)


def test_the_three_forms_tell_the_same(written: tuple[Path, Report]) -> None:
    home, report = written
    told = json.loads((home / "out" / "report.json").read_text())
    assert told["version"] == report.version
    assert len(told["figures"]) == len(report.figures)
    text, page = (home / "out" / "report.md").read_text(), (home / "out" / "report.html").read_text()
    for figure in report.of("ai_generated", "all"):
        assert f"{figure.auroc:.3f}" in text
        assert f"{figure.auroc:.3f}" in page
    for name in re.findall(r"\]\((pictures/.*?)\)", text):
        assert (home / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_figures_cover_length_set_domain_and_generator_for_every_branch(written: tuple[Path, Report]) -> None:
    _, report = written
    assert {figure.cut for figure in report.figures if figure.label == "ai_generated"} >= {
        "all",
        "words",
        "first",
        "set",
        "domain",
        "generator",
    }
    for cut in ("all", "set", "generator"):
        assert {figure.branch for figure in report.of("ai_generated", cut)} == {"fusion", "screen", "llama"}
    fused = report.of("ai_generated", "all")[0]
    assert fused.auroc_interval is not None
    assert fused.auroc_interval[0] <= fused.auroc <= fused.auroc_interval[1]
    assert fused.frozen_fpr is not None
    assert {rate.slice for rate in report.false_rates} >= {"kind of text", "source", "language"}
    assert report.attacks
    assert all(0 <= found.fpr <= 1 for found in report.attacks)


def test_the_card_tells_all_of_it(written: tuple[Path, Report]) -> None:
    home, report = written
    told = (home / "card.md").read_text()
    for title in ("What it is", "How it was made", "Measured on held-out rows", "Under attack", "Whom it wrongs"):
        assert f"## {title}\n" in told
    assert "Each generator left out" in told
    assert "Weakest cell: gpt-b, 0.750" in told
    assert "Weak on an unseen generator" in told
    assert report.version in told
    assert "What training choices were worth" not in told


def test_the_card_passes_on_an_ablation(written: tuple[Path, Report], bundle_dir: Path) -> None:
    _, report = written
    manifest = load_bundle(bundle_dir).manifest
    lines = "| change | AUROC |\n|---|---|\n| without crops | 0.870 |"
    changed = type(manifest)(
        **{name: getattr(manifest, name) for name in manifest.__dataclass_fields__}
        | {"training": {**manifest.training, "ablation": lines}}
    )
    assert "| without crops | 0.870 |" in card(changed, report)


def test_the_card_lists_what_is_certified(written: tuple[Path, Report], bundle_dir: Path) -> None:
    _, report = written
    probability = np.tile(np.linspace(0, 1, 4000)[:, None], (1, len(LABELS)))
    certificate = Certificate.fit(probability, probability > 0.5, np.full(4000, 50), data="posts", alpha=0.01)
    told = card(load_bundle(bundle_dir).manifest, report, certificate)
    assert "## Certified thresholds" in told
    assert re.search(r"\| `hate` \| any \| 41-80 words \| 2000; 2000 \| 0\.\d{4} \| 0\.\d{4} \|", told)
