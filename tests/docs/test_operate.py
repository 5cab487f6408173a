"""docs/operate.md: each failure mode is proven by tests that exist, and each metric and alert is there."""

import re

import pytest

from tests.docs.markdown import ROOT, table

PAGE = ROOT / "docs" / "operate.md"
PARTS = ["### Redis", "### The record store", "### Workers and posts", "### Fronts"]
PARTS += ["### Claims, policies, people, webhooks"]


def every_test() -> set[str]:
    """The name of every test there is."""
    return {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }


@pytest.mark.parametrize("part", PARTS)
def test_every_failure_mode_is_proven_by_tests_that_exist(part: str) -> None:
    known = every_test()
    for failure, *cells, proof in table(PAGE, part):
        assert len(cells) == 3, failure
        named = re.findall(r"`(test_\w+)`", proof)
        assert named, f"{failure}: which test proves it?"
        assert set(named) <= known, f"{failure}: no such test: {', '.join(sorted(set(named) - known))}"


def test_every_metric_and_alert_on_the_page_exists() -> None:
    page = PAGE.read_text()
    alerts = set(re.findall(r"alert: (\w+)", (ROOT / "deploy" / "alerts.yaml").read_text()))
    unequal = set(re.findall(r"`(Assay\w+)`", page)) ^ alerts
    assert not unequal, (
        f"{unequal}: docs/operate.md says of each alert of deploy/alerts.yaml what to do, and of no other"
    )
    code = "".join(file.read_text() for part in ("service", "workers") for file in (ROOT / part).rglob("*.py"))
    for metric in re.findall(r"`(assay_\w+)", page):
        assert f'"{metric.removesuffix("_total")}"' in code, metric
