"""One machine for all tests, with two cameras deployed to it, and every option on."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import eventually
from tests.system.cameras import CAMERAS, OPTIONS, PORCH, TOKENS, YARD, is_live
from tests.system.deployment import Deployment, Run
from tests.system.machine import Machine
from tests.system.tree import tree

ROOT = Path(__file__).resolve().parents[2]
TIMES: dict[str, float] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything where SKIP_SYSTEM says so: the summary names it."""
    if os.environ.get("SKIP_SYSTEM") == "1":
        for item in items:
            item.add_marker(pytest.mark.skip(reason="SKIP_SYSTEM=1: nothing was deployed to a real system"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell how long the deployments took."""
    if TIMES:
        times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in TIMES.items())
        terminalreporter.write_line(f"deployments: {times}")


def newest_wheel() -> Path:
    """Return what `make wheel` built last."""
    return max((ROOT / "dist").glob("camera_appliance-*.whl"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The booted machine. Its SSH server must be the only thing on the loopback: `make test-system` sees to that."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 22)) != 0, "this network is in use: start the tests with make test-system"
    with Machine(tree(), tmp_path_factory.mktemp("machine")) as booted:
        yield booted


@pytest.fixture(scope="session")
def deployment(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The machine and what is to be deployed to it."""
    machine.read("mkdir", "--parents", OPTIONS["camera_appliance_data"])
    variables = {"camera_appliance_cameras": CAMERAS, **OPTIONS}
    return Deployment(machine, tmp_path_factory.mktemp("deployment"), newest_wheel(), variables)


@pytest.fixture(scope="session")
def first(deployment: Deployment) -> Run:
    """The first deployment, to a machine that never had a camera."""
    run = deployment.deploy("--diff")
    assert run.status == 0, run.text
    TIMES["first"] = run.seconds
    TOKENS[PORCH] = deployment.machine.read("cat", "/etc/camera-appliance/credentials/porch/http-token")
    return run


@pytest.fixture(scope="session")
def second(first: Run, deployment: Deployment) -> Run:
    """The same once more."""
    run = deployment.deploy()
    TIMES["second"] = run.seconds
    return run


@pytest.fixture
def deployed(first: Run, deployment: Deployment) -> Deployment:
    """The machine, with the cameras on it."""
    assert first.status == 0
    return deployment


@pytest.fixture
def host(deployed: Deployment, machine: Machine) -> Machine:
    """The machine, with both cameras live."""
    eventually(lambda: is_live(PORCH) and is_live(YARD), "two live cameras")
    return machine
