"""The main job, as a person does it: the installed command, a camera, a browser, and a broker beside it."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.gestures import slide
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera, read_stamp


def test_watch_adjust_take_a_picture_and_do_the_same_over_mqtt(
    tmp_path: Path, page: Page, simcam: SimulatedCamera, eventually: Callable[[Callable[[], object]], None]
) -> None:
    with (
        Broker(tmp_path / "broker") as broker,
        RunningAppliance(tmp_path, "auto", simcam.environment, broker.settings) as appliance,
        Client(broker) as bus,
    ):
        page.goto(appliance.url)

        # Frames move.
        canvas = page.locator("#live")
        expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
        before, picture = int(canvas.get_attribute("data-frames") or 0), canvas.screenshot()
        eventually(lambda: int(canvas.get_attribute("data-frames") or 0) > before + 30)
        assert canvas.screenshot() != picture

        # The slider of the page moves the value of the device, and the broker hears of it.
        slide(page, "brightness", 0.75)
        brightness = int(page.locator("[data-control=brightness] input[type=number]").input_value())
        assert brightness > 25
        eventually(lambda: simcam.controls["brightness"] == brightness)  # the last of what was sent while it moved
        bus.wait_for("controls", lambda message: message.json["brightness"] == brightness)

        # A picture, taken with the key, is in the gallery, on the disk and on the broker: the camera's own bytes.
        page.keyboard.press("r")
        expect(page.locator("#gallery [data-picture-id='1']")).to_be_visible()
        name = appliance.ask("GET", "/api/pictures/1").json["name"]
        stored = (appliance.pictures / name).read_bytes()
        assert read_stamp(stored).sequence > 0
        bus.wait_for("picture", lambda message: message.payload == stored)

        # The same over MQTT: the device obeys, the page shows it.
        bus.publish("controls/brightness/set", "-30")
        eventually(lambda: simcam.controls["brightness"] == -30)
        expect(page.locator("[data-control=brightness] input[type=number]")).to_have_value("-30")
        mark = bus.mark
        answer = bus.command("take_picture", {"transaction": "from the bus"})
        assert answer["ok"] is True
        assert answer["transaction"] == "from the bus"
        assert answer["result"]["id"] == 2
        expect(page.locator("#gallery [data-picture-id='2']")).to_be_visible()
        stored = (appliance.pictures / answer["result"]["name"]).read_bytes()
        assert bus.wait_for("picture", after=mark).payload == stored

        # What is wrong is refused in the same words by both, and changes nothing.
        refusal = appliance.ask("PATCH", "/api/controls", {"brightness": 999}).json["error"]
        assert bus.command("set_controls", {"brightness": 999})["error"] == refusal
        assert simcam.controls["brightness"] == -30
