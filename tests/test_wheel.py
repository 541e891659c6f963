"""The wheel: what `make wheel` builds works without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.running import clean_environment

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git knows, so that nothing of this folder leaks into it."""
    directory = tmp_path_factory.mktemp("wheel")
    checkout = directory / "checkout"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(directory),
        str(checkout),
    ]
    subprocess.run(command, check=True)
    return next(directory.glob("*.whl"))


def test_the_wheel_holds_the_package_the_page_and_the_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for expected in ("appliance/cli.py", "appliance/http/broadcaster.py", "appliance/py.typed"):
        assert expected in names
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "web").rglob("*") if path.is_file()}
    assert {f"appliance/{page}" for page in pages} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_the_wheel_shows_the_page_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked into an empty folder, which stands in front of everything that is installed."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "from appliance.daemon import web_root; print(web_root() / 'index.html', (web_root() / 'index.html').is_file())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=os.fspath(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == [str(tmp_path / "appliance" / "web" / "index.html"), "True"]
