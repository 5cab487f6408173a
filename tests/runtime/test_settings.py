"""Settings: read from the environment, and refused with their name."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.runtime.settings import Settings
from tests.processes import assay


def test_an_environment_variable_sets_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_BATCH_TOKENS", "1024")
    assert Settings().batch_tokens == 1024


def test_what_is_not_named_lies_in_the_data_directory(tmp_path: Path) -> None:
    resolved = Settings(redis_url="", database_url="", data_dir=tmp_path).resolved()
    assert resolved.database_url == f"sqlite:///{tmp_path}/assay.db"
    assert resolved.redis_url == f"unix://{tmp_path}/redis/redis.sock"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(Settings(), "batch_tokens", 1)  # noqa: B010 - it cannot be assigned


def test_a_wrong_value_is_refused_with_the_name_of_its_variable() -> None:
    refused = assay("serve", ASSAY_GATHER_WINDOW="soon")
    assert refused.returncode == 2
    assert "ASSAY_GATHER_WINDOW" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_secrets_are_not_shown() -> None:
    shown = assay("settings", ASSAY_WEBHOOK_APP_SECRET="hunter2")
    assert "ASSAY_WEBHOOK_APP_SECRET" in shown.stdout
    assert "hunter2" not in shown.stdout


def test_a_webhook_address_without_a_port_is_refused() -> None:
    refused = assay("serve", ASSAY_WEBHOOK_ADDRESS="localhost")
    assert refused.returncode == 2
    assert "ASSAY_WEBHOOK_ADDRESS" in refused.stderr
