"""docs/clients.md says what the tests have shown, and no more."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.clients import document
from tests.clients.table import CASES, SHOWN

HERE = Path(__file__).parent
MODULES = sorted(HERE.glob("test_*.py"))
HEADLINES = {
    "All at a glance",
    "Programs that show and record",
    "Surveillance",
    "Home automation",
    "3D printers",
    "Behind a proxy",
    "Monitoring",
}
ELSEWHERE = {  # rows that other tests of this project show
    "Home Assistant, MQTT": "tests/home_assistant",
    "Node-RED, MQTT": "tests/clients/test_node_red.py",
    "Browsers": "tests/browsers",
    "Moonraker": "tests/clients/test_moonraker.py",
}


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, str]]:
    """What all tests of this folder show."""
    for module in MODULES:
        importlib.import_module(f"tests.clients.{module.stem}")
    return SHOWN


def words_of(module: Path) -> set[str]:
    """Return every string in the source of a module."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_block_that_has_a_name_is_run_by_a_test() -> None:
    used = set.union(
        *(words_of(module) for module in (*MODULES, HERE / "players.py") if module.name != Path(__file__).name)
    )
    names = [block.name for section in document.sections() for block in section.blocks if block.name]
    assert len(names) == len(set(names)) > 20
    assert not [name for name in names if name not in used]


@pytest.mark.parametrize("section", document.sections(), ids=lambda section: section.title)
def test_a_section_has_a_block_that_runs_or_says_that_it_was_not_tried(section: document.Section) -> None:
    if section.title in HEADLINES:
        return
    runs = any(block.name for block in section.blocks)
    shown_elsewhere = "(mqtt.md#" in section.text or "(../tests/" in section.text
    was_not_tried = document.NOT_TRIED in section.text.lower()
    assert runs or shown_elsewhere or was_not_tried
    assert all(block.name for block in section.blocks) or shown_elsewhere or was_not_tried


def test_the_table_says_what_the_tests_show(shown: dict[str, dict[str, str]]) -> None:
    table = document.table()
    for client, cells in shown.items():
        assert {case: table[client][case] for case in cells} == cells, client


def test_only_tried_programs_are_claimed_to_work(shown: dict[str, dict[str, str]]) -> None:
    for client, row in document.table().items():
        for case in CASES:
            if case not in shown.get(client, {}) and client not in ELSEWHERE:
                assert row[case] in (document.NOT_TRIED, "—"), f"{client}: {case}"


def test_every_row_names_its_version_and_the_tests_that_show_it(shown: dict[str, dict[str, str]]) -> None:
    for client, row in document.table().items():
        assert row["version"], client
        tests = [each.strip("` ") for each in row["tests"].split(",") if each.strip("` —")]
        assert bool(tests) == (client in shown or client in ELSEWHERE), client
        for test in tests:
            assert (HERE.parents[1] / test).exists() or (HERE / test).exists(), test
