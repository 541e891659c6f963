"""A real Prometheus scrapes the appliance with the documented lines."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.place import PASSWORD, TOKEN, Place
from tests.clients.program import Program
from tests.clients.table import shows
from tests.running import eventually, free_port

OFTEN = "global: { scrape_interval: 1s, scrape_timeout: 1s }\n"  # its default is a minute
ONLINE = "camera_appliance_camera_online"


@contextmanager
def scraping(block: str, directory: Path) -> Iterator["Prometheus"]:
    """Run Prometheus with that block of its configuration."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "prometheus.yml").write_text(OFTEN + block)
    command = f"exec prometheus --config.file=prometheus.yml --web.listen-address=127.0.0.1:{port}"
    with Program(command, directory) as program:
        yield Prometheus(port, program)


class Prometheus:
    """Its HTTP interface."""

    def __init__(self, port: int, program: Program) -> None:
        self._port, self._program = port, program

    def value(self, query: str) -> str:
        """Return the value of the one series that the query finds, or nothing."""
        assert self._program.status is None, self._program.output
        address = f"http://127.0.0.1:{self._port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                found = json.load(response)["data"]["result"]
        except OSError:
            return ""
        return str(found[0]["value"][1]) if found else ""

    def wait_for(self, query: str, value: str) -> None:
        """Wait until the query has this value."""
        eventually(lambda: self.value(query) == value, f"{query} == {value}")


@shows("Prometheus", stream="up is 1", unplug="up is 1", restart="up is 0, then 1", password="works", token="works")
def test_it_sees_the_camera_go_and_the_appliance_restart(closed_place: Place, tmp_path: Path) -> None:
    with scraping(closed_place.block("prometheus"), tmp_path) as prometheus:
        prometheus.wait_for("up", "1")
        prometheus.wait_for(ONLINE, "1")
        with closed_place.unplugged():
            prometheus.wait_for(ONLINE, "0")
            assert prometheus.value("up") == "1"
        prometheus.wait_for(ONLINE, "1")
        closed_place.appliance.stop()
        prometheus.wait_for("up", "0")
        closed_place.appliance.start()
        prometheus.wait_for("up", "1")
        closed_place.until("online")


def test_a_password_does_as_well(closed_place: Place, tmp_path: Path) -> None:
    token = "authorization: { credentials: "
    block = closed_place.block("prometheus")
    assert token in block
    lines = [line for line in block.splitlines() if token not in line]
    with scraping("\n".join([*lines, f"    basic_auth: {{ username: viewer, password: {PASSWORD} }}"]), tmp_path) as it:
        it.wait_for("up", "1")


def test_a_wrong_token_means_down(closed_place: Place, tmp_path: Path) -> None:
    block = closed_place.block("prometheus").replace(TOKEN, "another-token-altogether")
    with scraping(block, tmp_path) as prometheus:
        prometheus.wait_for("up", "0")
