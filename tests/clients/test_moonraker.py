"""Moonraker takes the entry of docs/3d-printing.md, complains of nothing in it, and reaches the camera.

`make test-clients` installs Moonraker 0.11.0 into an environment of its own. It runs without Klipper, and listens on
127.0.0.1 only.
"""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from tests.running import RunningAppliance, clean_environment, eventually, free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "build" / "clients" / "moonraker" / "bin" / "python"
DOCUMENT = (ROOT / "docs" / "3d-printing.md").read_text(encoding="utf-8")
SERVER = """\
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {folder}/klippy.sock

[machine]
provider: none
validate_service: False

[authorization]
trusted_clients:
  127.0.0.1

{entry}
"""


def entry(appliance: RunningAppliance) -> str:
    """Return the block of the document, for this appliance."""
    (block,) = re.findall(r"```ini\n(\[webcam .*?)```", DOCUMENT, re.DOTALL)
    return str(block).replace("ADDRESS:8000", f"127.0.0.1:{appliance.port}")


class Moonraker:
    """A running Moonraker with an entry for a webcam."""

    def __init__(self, folder: Path, entry: str) -> None:
        self.port = free_port()
        configuration = folder / "config" / "moonraker.conf"
        configuration.parent.mkdir(parents=True)
        (folder / "logs").mkdir()
        configuration.write_text(SERVER.format(port=self.port, folder=folder, entry=entry))
        self._process = subprocess.Popen(
            [PYTHON, "-m", "moonraker", "-d", folder],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, path: str, method: str = "GET") -> dict[str, Any]:
        """Return the result of a request; nothing while it does not listen yet."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                result: dict[str, Any] = json.load(response)["result"]
                return result
        except URLError:
            assert self._process.poll() is None, "Moonraker has ended"
            return {}

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture
def moonraker(running: RunningAppliance, tmp_path: Path) -> Iterator[Moonraker]:
    """Moonraker with the documented entry, when it has begun to listen."""
    program = Moonraker(tmp_path / "printer_data", entry(running))
    try:
        eventually(lambda: program.ask("/server/info"), "a Moonraker that listens")
        yield program
    finally:
        program.stop()


def test_moonraker_takes_the_entry_and_reaches_the_camera(running: RunningAppliance, moonraker: Moonraker) -> None:
    info = moonraker.ask("/server/info")
    assert "webcam" in info["components"]
    assert info["failed_components"] == []
    assert not [warning for warning in info["warnings"] if "webcam" in warning], "it knows every option"
    (webcam,) = moonraker.ask("/server/webcams/list")["webcams"]
    address = f"http://127.0.0.1:{running.port}"
    assert (webcam["name"], webcam["service"], webcam["source"]) == ("printer", "mjpegstreamer-adaptive", "config")
    assert webcam["stream_url"] == f"{address}/stream"
    assert webcam["snapshot_url"].startswith(f"{address}/snapshot")
    assert (webcam["rotation"], webcam["flip_horizontal"], webcam["flip_vertical"]) == (0, False, False)
    found = moonraker.ask("/server/webcams/test?name=printer", "POST")
    assert found["snapshot_reachable"] is True
    running.ask("PUT", "/api/privacy", {"on": True})
    assert moonraker.ask("/server/webcams/test?name=printer", "POST")["snapshot_reachable"] is False


def test_everything_the_entry_names_exists(running: RunningAppliance) -> None:
    address = f"http://127.0.0.1:{running.port}"
    paths = re.findall(rf"_url: {address}(\S+)", entry(running))
    assert len(paths) == 2
    for path in paths:
        assert running.ask("HEAD", path).status == 200
