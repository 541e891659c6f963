"""What is deployed is what was tested, byte for byte, and what was taken from others has its licence."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.audit import verdict

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "web" / "vendor"
FOLDERS = sorted(path.name for path in VENDOR.iterdir() if path.is_dir())


def normal(name: str) -> str:
    """Return the name of a package as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(text: str) -> dict[str, str]:
    """Return the version of each package in a list of requirements."""
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)}


# ---------------------------------------------------------------- Python


def test_every_requirement_has_one_exact_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
        assert len(pinned("\n".join(wanted))) == len(wanted), name


def test_everything_the_wheel_asks_for_is_among_the_requirements() -> None:
    block = re.search(r"install_requires=\[(.*?)\]", (ROOT / "setup.py").read_text(), re.DOTALL)
    assert block
    asked = {normal(name) for name in re.findall(r'"([\w.-]+)', block[1])}
    assert asked
    assert asked <= set(pinned((ROOT / "requirements.txt").read_text()))


def test_the_lock_has_the_same_versions_with_hashes_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert pinned(lock) == pinned((ROOT / "requirements.txt").read_text()), "run `make lock`"
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    for entry in entries:
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)) >= 1, entry
    assert "://" not in lock
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host", lock)


def test_deployment_installs_what_the_lock_says_and_nothing_else() -> None:
    tasks = (ROOT / "deploy/ansible/roles/camera_appliance/tasks/install.yml").read_text()
    assert "install --require-hashes --find-links wheels --requirement wheels/requirements.lock" in tasks
    assert "pip install --quiet --no-input --no-compile --no-index" in tasks, "there is no index to be asked"
    assert "install --no-deps" in tasks
    assert tasks.count("pip install") == 1


@pytest.mark.parametrize(
    ("report", "status", "words"),
    [
        (None, 2, "NOT audited"),
        ({"dependencies": []}, 2, "NOT audited"),
        ({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, 2, "nothing is known of a"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, 0, "1 packages, none"),
        (
            {
                "dependencies": [
                    {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]},
                    {"name": "b", "skip_reason": "not found"},
                ]
            },
            1,
            "a 1: CVE-1, fixed in 2",
        ),
    ],
)
def test_an_audit_that_could_not_look_says_so(report: dict[str, object] | None, status: int, words: str) -> None:
    code, lines = verdict(report)
    assert code == status
    assert words in "\n".join(lines)


# ---------------------------------------------------------------- files of others


@pytest.mark.parametrize("folder", FOLDERS)
def test_vendored_files_have_a_version_and_a_licence(folder: str) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (VENDOR / "README.md").read_text().splitlines()
        if line.startswith("|")
    ]
    (row,) = (row for row in rows if row[0] == f"`{folder}/`")
    _, what, version, source, licence = row
    assert re.fullmatch(r"\d+(\.\d+)+", version)
    assert what
    assert source
    assert licence
    assert any(path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")) for path in (VENDOR / folder).iterdir())


def test_vendored_files_are_unchanged() -> None:
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in FOLDERS
        for path in (VENDOR / folder).rglob("*")
        if path.is_file()
    }
    assert there == listed, "see web/vendor/README.md"
