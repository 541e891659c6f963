"""One computer for all tests: its card is flashed, it boots, and one camera is deployed to it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import eventually
from tests.system.cameras import PORCH, TOKENS
from tests.system.conftest import newest_wheel
from tests.system.deployment import Deployment, Run
from tests.vm.camera import CAMERA, HOST, OPTIONS, PATIENCE, is_live
from tests.vm.hardware import Hardware, chosen
from tests.vm.image import image
from tests.vm.machine import VirtualMachine
from tests.vm.usb import Cable, UsbCamera

ROOT = Path(__file__).resolve().parents[2]
CARD_SIZE = 4 * 10**9  # bytes: more than the image, which grows
STORY = ("card", "deploy", "camera", "running", "power", "later")
TIMES: dict[str, float] = {"image": float(os.environ.get("IMAGE_SECONDS", 0))}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests tell one story, from the card to the update."""
    items.sort(key=lambda item: STORY.index(item.path.stem.removeprefix("test_")))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell how long everything took."""
    times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in TIMES.items())
    terminalreporter.write_line(f"{chosen().architecture}: {times}")


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    """What QEMU plays."""
    return chosen()


@pytest.fixture(scope="session")
def cable() -> Iterator[Cable]:
    """The USB camera, on its cable."""
    with Cable(UsbCamera()) as cable:
        yield cable


@pytest.fixture(scope="session")
def machine(hardware: Hardware, cable: Cable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    """The computer, up and running from a card that `make flash` wrote."""
    work = tmp_path_factory.mktemp("machine")
    with VirtualMachine(hardware, work / "card", work) as machine:
        TIMES["flash"] = flash(machine, image(hardware), work)
        machine.power_on()
        machine.until_up()
        machine.read("cloud-init", "status", "--wait")
        TIMES["first boot"] = time.monotonic() - machine.powered_on_at
        yield machine


def flash(machine: VirtualMachine, image: Path, work: Path) -> float:
    """Write the card with the command that `make flash` runs; return how many seconds it took."""
    with machine.card.open("wb") as file:
        file.truncate(CARD_SIZE)
    wanted = {**machine.inventory, "flash_timezone": "Europe/Berlin"}
    inventory = work / "cards.json"
    inventory.write_text(json.dumps({"all": {"hosts": {f"{HOST}.local": wanted}}}), encoding="utf-8")
    command = [sys.executable, "-m", "deploy.flash", "card", "--host", f"{HOST}.local", "--inventory", str(inventory)]
    command += ["--image", str(image), "--device", str(machine.card), "--serial", machine.card.name]
    started_at = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return time.monotonic() - started_at


@pytest.fixture(scope="session")
def deployment(machine: VirtualMachine, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The computer and what is to be deployed to it."""
    variables = {"camera_appliance_cameras": [CAMERA], **OPTIONS}
    work = tmp_path_factory.mktemp("deployment")
    return Deployment(machine, work, newest_wheel(), variables, patience=3600)


@pytest.fixture(scope="session")
def first(deployment: Deployment) -> Run:
    """The first deployment, to a computer that never had a camera."""
    run = deployment.deploy()
    assert run.status == 0, run.text
    TIMES["first deployment"] = run.seconds
    TOKENS[PORCH] = deployment.machine.read("cat", f"/etc/camera-appliance/credentials/{CAMERA['name']}/http-token")
    return run


@pytest.fixture
def host(first: Run, machine: VirtualMachine) -> VirtualMachine:
    """The computer, with its camera live."""
    assert first.status == 0
    eventually(is_live, "a live camera", PATIENCE)
    return machine
