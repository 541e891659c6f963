"""Power comes and goes, nobody is there, and the picture is back by itself."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import simplejpeg

from tests.running import eventually
from tests.vm.camera import PATIENCE, UNIT, ask, is_live, state
from tests.vm.conftest import TIMES
from tests.vm.machine import BOOTS_WITHIN, VirtualMachine
from tests.vm.usb import Cable
from tests.vm.usb.camera import checksum

AT_ONCE = 3
ENOUGH = 20  # pictures, before the power goes


def first_frame(machine: VirtualMachine) -> float:
    """Wait for a fresh frame; return how many seconds after power-on, or after now, it came."""
    eventually(lambda: is_live() and ask("/snapshot.jpg").status == 200, "the picture", BOOTS_WITHIN)
    return time.monotonic() - machine.powered_on_at


def pictures() -> list[dict[str, Any]]:
    """Return all stored pictures, newest first."""
    found: list[dict[str, Any]] = ask("/api/pictures?limit=500").json["pictures"]
    return found


def test_after_a_reboot_settings_pictures_and_the_stream_are_there(host: VirtualMachine, cable: Cable) -> None:
    assert ask("/api/controls", "PATCH", {"sharpness": 5, "white_balance_automatic": False}).status == 200
    assert ask("/api/pictures", "POST").status == 201
    before, key = pictures(), host.read("cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    started_at = time.monotonic()
    host.reboot()
    eventually(is_live, "the picture", PATIENCE)
    TIMES["reboot"] = time.monotonic() - started_at
    assert pictures() == before
    wanted = {"sharpness": 5, "white_balance_automatic": 0}
    eventually(lambda: wanted.items() <= cable.camera.controls.values.items(), "the controls", PATIENCE)
    assert host.read("cat", "/etc/ssh/ssh_host_ed25519_key.pub") == key, "cloud-init took it for another host"
    assert host.property(UNIT, "NRestarts") == "0"


def test_a_power_cut_costs_no_picture_that_was_answered(host: VirtualMachine, cable: Cable) -> None:
    answered: list[dict[str, Any]] = []

    def take() -> None:
        with suppress(OSError):  # the end of it
            while True:
                answer = ask("/api/pictures", "POST")
                if answer.status == 201:
                    answered.append(answer.json)

    with ThreadPoolExecutor(AT_ONCE) as takers:
        for _ in range(AT_ONCE):
            takers.submit(take)
        eventually(lambda: len(answered) >= ENOUGH, f"{ENOUGH} pictures", PATIENCE)
        host.power_cut()
    host.power_on()
    TIMES["power-on to first frame"] = first_frame(host)
    host.until_up()
    assert len(answered) >= ENOUGH
    stored = {picture["id"]: picture for picture in pictures()}
    assert [picture for picture in answered if stored.get(picture["id"]) != picture] == []
    for picture in stored.values():
        jpeg = ask(picture["url"]).body
        assert len(jpeg) == picture["bytes"]
        assert checksum(jpeg) in cable.camera.sent
        simplejpeg.decode_jpeg(jpeg, strict=True)
    assert ask("/api/pictures", "POST").json["id"] > max(stored)
    assert state()["camera"]["state"] == "online"
