"""Documents that follow from declarations are current, and name everything."""

import re
from pathlib import Path

import pytest

from appliance import __version__, ladder, settings
from appliance.declared import SETTINGS
from appliance.documentation import ARCHITECTURE, documents

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT) for folder in (ROOT, ROOT / "docs", ROOT / "deploy") for path in folder.glob("*.md")
)


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


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_link_leads_to_a_file(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", (ROOT / path).read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert ((ROOT / path).parent / target).exists(), target


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md"])
def test_commands_and_settings_of_the_first_pages_exist(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        target for words in re.findall(r"(?:`|^)make ([a-z -]+)", text, re.MULTILINE) for target in words.split()
    }
    assert {"run"} <= targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    known = set(map(settings.environment_name, SETTINGS.parameters()))
    assert set(re.findall(r"CAMERA_APPLIANCE_[A-Z_]+", text)) <= known


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_decisions_are_numbered_and_dated() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\*\*(\d+)\. ", text, re.MULTILINE)
    assert entries == [str(number) for number in range(1, len(entries) + 1)]
    dated = re.findall(r"^\*\*\d+\. [^*]+\*\*\s\(\d{4}-\d\d-\d\d(?:, changed \d{4}-\d\d-\d\d)?\)", text, re.MULTILINE)
    assert len(dated) == len(entries)


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.index("## Unreleased\n") < text.index(f"## {__version__} - ")
    assert re.findall(r"^## (\d\S+)", text, re.MULTILINE)[0] == __version__
