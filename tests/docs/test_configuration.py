"""docs/configuration.md is what docs/generate.py writes from the settings."""

import subprocess
import sys

from service.runtime.settings import Settings
from tests.docs.markdown import ROOT


def test_the_page_is_current() -> None:
    checked = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_every_setting_is_there() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert [name for name in Settings.model_fields if f"`ASSAY_{name.upper()}`" not in page] == []
