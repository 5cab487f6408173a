"""Deployment files: they parse, pin their images, and name only metrics and settings that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from service.moderation.telemetry import TelemetryObserver
from service.quality.telemetry import QualityTelemetry
from service.rpc.call_metrics import CallMetrics
from service.runtime.settings import Settings
from service.transparency.telemetry import TransparencyObserver
from service.webhooks.telemetry import WebhookTelemetry

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "assay"
TEMPLATES = sorted((CHART / "templates").iterdir())
METRIC = re.compile(r"\bassay_[a-z_]+")
VARIABLE = re.compile(r"\bASSAY_[A-Z_]+\b")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def exposed_metrics() -> dict[str, set[str]]:
    """Label names by series name, of everything that our processes register."""
    registry = CollectorRegistry()
    TelemetryObserver(registry)
    QualityTelemetry(registry)
    TransparencyObserver(registry)
    WebhookTelemetry(registry)
    CallMetrics(registry)
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    labels: dict[str, set[str]] = {}
    for collector in set(registry._names_to_collectors.values()):
        told: Any = collector
        for family in told.describe():
            for suffix in suffixes[family.type]:
                labels[family.name + suffix] = {*told._labelnames} | ({"le"} if suffix == "_bucket" else set())
    return labels


def alert_expressions() -> list[str]:
    return [rule["expr"] for group in read(DEPLOY / "alerts.yaml")["groups"] for rule in group["rules"]]


def dashboard_expressions() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "assay.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", [*alert_expressions(), *dashboard_expressions()])
def test_metrics_and_their_labels_exist(expression: Any) -> None:
    exposed = exposed_metrics()
    named = METRIC.findall(expression)
    assert named
    assert set(named) <= set(exposed)
    used = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|=|!=)", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= set.union(*(exposed[name] for name in named))


def test_alerts_and_panels_are_named_once_and_say_what_is_wrong() -> None:
    rules = [rule for group in read(DEPLOY / "alerts.yaml")["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert all({"summary", "description"} <= rule["annotations"].keys() for rule in rules)
    panels = json.loads((DEPLOY / "grafana" / "assay.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)


def test_every_metric_is_shown() -> None:
    shown = {re.sub(r"_bucket$", "", name) for text in dashboard_expressions() for name in METRIC.findall(text)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed_metrics()}
    assert not (unseen := families - shown), f"{unseen}: give each a panel in deploy/grafana/assay.json"


@pytest.mark.parametrize("path", [*DEPLOY.glob("*.yaml"), *DEPLOY.glob("grafana/provisioning/*/*.yaml")], ids=str)
def test_yaml_parses(path: Path) -> None:
    assert isinstance(read(path), dict)


def test_images_are_pinned() -> None:
    images = [service["image"] for service in read(DEPLOY / "compose.yaml")["services"].values()]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) >= 6
    assert [image for image in images if not PINNED.fullmatch(image)] == []


def test_compose_mounts_files_that_are_there_and_volumes_that_are_declared() -> None:
    compose = read(DEPLOY / "compose.yaml")
    for service in compose["services"].values():
        for source in (mount.split(":")[0] for mount in service.get("volumes", [])):
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
        assert set(service.get("depends_on", ())) <= compose["services"].keys()


def test_settings_exist() -> None:
    known = {f"ASSAY_{name.upper()}" for name in Settings.model_fields}
    for path in (DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", CHART / "values.yaml", *TEMPLATES):
        assert set(VARIABLE.findall(path.read_text())) <= known | {"ASSAY_"}, path


def test_the_image_has_what_the_wheel_needs() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:].rstrip("/") for line in ignored if line.startswith("!")}
    assert kept == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "service",
        "workers",
        "classifiers",
        "proto",
    }
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    torch = re.search(r"torch==[\d.]+", (ROOT / "pyproject.toml").read_text())
    assert torch is not None
    assert torch[0] in dockerfile
    assert dockerfile.index(torch[0]) < dockerfile.index("-r requirements.lock")
    assert "\nUSER 10001\n" in dockerfile


def values_named(template: str) -> Iterator[list[str]]:
    for path in re.findall(r"\.Values((?:\.\w+)+)", template):
        yield path.strip(".").split(".")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_read_values_that_exist(path: Path) -> None:
    template = path.read_text()
    opened = re.findall(r"{{-? (?:if|range|with|define)\b", template)
    assert len(opened) == len(re.findall(r"{{-? end\b", template))
    for keys in values_named(template):
        value = read(CHART / "values.yaml")
        for key in keys:
            assert key in value, f"{path.name} reads .Values.{'.'.join(keys)}"
            value = value[key]


def test_versions_agree() -> None:
    chart = read(CHART / "Chart.yaml")
    assert f'version = "{chart["appVersion"]}"' in (ROOT / "pyproject.toml").read_text()
    assert f"assay:{chart['appVersion']}" in (DEPLOY / "compose.yaml").read_text()
    assert f"## [{chart['appVersion']}]" in (ROOT / "CHANGELOG.md").read_text()
