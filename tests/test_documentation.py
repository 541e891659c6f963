"""Documents that follow from declarations are current, and name everything."""

from pathlib import Path

import pytest

from appliance import ladder, settings
from appliance.declared import SETTINGS
from appliance.documentation import ARCHITECTURE, documents

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("path", documents())
def test_a_generated_document_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == documents()[path], "run `make docs`"


def test_the_table_of_modules_is_current() -> None:
    text = (ROOT / ARCHITECTURE).read_text(encoding="utf-8")
    assert ladder.with_table(text, ROOT / "appliance") == text, "run `make docs`"
    assert "| **`frames`** |" in text
    assert "| `capture/thread` |" in text


def test_every_setting_is_documented() -> None:
    text = documents()["docs/settings.md"]
    for name, parameter in SETTINGS.parameters().items():
        assert f"### `{name}`" in text
        assert settings.environment_name(name) in text
        assert (settings.flag(name) in text) == (not parameter.secret)
