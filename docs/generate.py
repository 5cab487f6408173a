"""Writes docs/configuration.md from `service.runtime.settings`; with --check, says whether it is current."""

import sys
from pathlib import Path

from pydantic import SecretStr

from service.runtime.settings import Settings

PAGE = Path(__file__).parent / "configuration.md"
_HEAD = """\
# Configuration

<!-- Written by docs/generate.py (`make docs`) from service/runtime/settings.py: change it there. -->

Everything is an environment variable; the defaults suit one machine. Durations are seconds unless a day is named. A
wrong value is refused at the start, with the variable's name. `assay settings` shows what each has here, with secrets
hidden.
"""
_SECTIONS = {
    "redis_url": "Stores and model",
    "address": "Server",
    "default_deadline": "Deadlines, batches, load",
    "cache_ttl": "Cache and what is recorded",
    "visibility_timeout": "Recovery",
    "cluster_window": "Clusters and surging claims",
    "author_key": "Feeds and webhooks",
    "retain_allowed": "Retention and transparency",
    "review_lease": "Review",
    "golden_every": "Quality",
    "dashboard_address": "Dashboard",
    "shim_address": "Perspective and OpenAI shims",
}
"""Each section, by the setting that begins it."""


def page() -> str:
    """The whole page."""
    lines = [_HEAD.rstrip()]
    for name, field in Settings.model_fields.items():
        if name in _SECTIONS:
            lines += ["", f"## {_SECTIONS[name]}", "", "| variable | default | what it does |", "|---|---|---|"]
        default = "" if isinstance(field.default, SecretStr) or field.default in ("", None) else f"`{field.default}`"
        lines.append(f"| `ASSAY_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit(f"{PAGE.name} is not what the settings say: run `make docs`")
