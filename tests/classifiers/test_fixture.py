"""The shipped bundle is held to the figures that its card gives on the committed posts."""

import re
from pathlib import Path

import pytest

from classifiers.bundle import STARTER, Bundle, load_bundle
from classifiers.errors import InputError
from classifiers.evaluation.figures import Fixture, FixtureFigure
from classifiers.evaluation.fixture import measure_fixture
from classifiers.labels import LABELS

POSTS = Path(__file__).with_name("fixture_posts.jsonl")
EXPECTED = Path(__file__).with_name("fixture_figures.json")
REMEDY = "assay evaluate --data DIR --card classifiers/starter/MODEL_CARD.md --fixture FILE --expect FILE"
TOLERANCE = 0.01
"""In a mean probability; an AUROC of few posts moves in steps, so it may move by two of them."""


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def expected() -> Fixture:
    return Fixture.load(EXPECTED)


def test_the_shipped_bundle_gives_the_figures_that_were_written_down(shipped: Bundle, expected: Fixture) -> None:
    assert shipped.version == expected.version, f"another bundle ships; measure it: {REMEDY}"
    found = measure_fixture(shipped, POSTS)
    assert found.rows == expected.rows
    assert [figure.label for figure in found.figures] == list(LABELS)
    for figure, wanted in zip(found.figures, expected.figures, strict=True):
        _assert_alike(figure, wanted)


def test_the_card_is_the_shipped_bundle_s_and_tells_these_figures(shipped: Bundle, expected: Fixture) -> None:
    card = (STARTER / "MODEL_CARD.md").read_text()
    assert f"`{shipped.version}`" in card, f"the card is another bundle's; write it: {REMEDY}"
    section = card.split("## On the committed posts", 1)[1].split("\n## ", 1)[0]
    told = {
        line.split("`")[1]: re.findall(r"\d\.\d{3}", line) for line in section.splitlines() if line.startswith("| `")
    }
    for figure in expected.figures:
        numbers = (figure.mean, figure.positive_mean, figure.auroc)
        assert told[figure.label] == [f"{number:.3f}" for number in numbers if number is not None]


def test_a_post_of_another_shape_is_named(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "hello"}\n{"text": "hello", "policy": ["rudeness"]}\n')
    with pytest.raises(InputError, match=r"posts\.jsonl, line 2"):
        measure_fixture(shipped, path)
    path.write_text("")
    with pytest.raises(InputError, match="no posts"):
        measure_fixture(shipped, path)


def _assert_alike(figure: FixtureFigure, wanted: FixtureFigure) -> None:
    assert (figure.positives, figure.negatives) == (wanted.positives, wanted.negatives)
    assert figure.mean == pytest.approx(wanted.mean, abs=TOLERANCE), figure.label
    assert figure.positive_mean == pytest.approx(wanted.positive_mean, abs=2 * TOLERANCE), figure.label
    if wanted.auroc is not None:
        step = 1 / (wanted.positives * wanted.negatives)
        assert figure.auroc == pytest.approx(wanted.auroc, abs=max(TOLERANCE, 2 * step)), figure.label
