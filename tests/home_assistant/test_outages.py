"""Something is gone: Home Assistant knows, and when it is back, so is everything."""

import time

from tests.home_assistant.conftest import Measured
from tests.home_assistant.device import Device
from tests.home_assistant.home import HomeAssistant
from tests.mqtt.broker import Broker
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera

LOST_BROKER = r"\[homeassistant\.components\.mqtt\.client\]|\[paho\.mqtt\.client\]|Error talking to MQTT"


def test_an_appliance_that_was_killed_is_unavailable_and_comes_back(
    device: Device, appliance: RunningAppliance, measured: Measured
) -> None:
    killed_at = time.monotonic()
    appliance.kill()
    try:
        eventually(lambda: states(device) == {"unavailable"}, "that nothing is available")
        measured("from SIGKILL of the appliance to everything unavailable", time.monotonic() - killed_at)
    finally:
        started_at = time.monotonic()
        appliance.start()
    device.until_complete()
    measured("from the start of the appliance to everything available", time.monotonic() - started_at)


def test_an_appliance_that_is_stopped_is_unavailable_at_once(
    device: Device, appliance: RunningAppliance, measured: Measured
) -> None:
    stopped_at = time.monotonic()
    appliance.stop()
    try:
        eventually(lambda: states(device) == {"unavailable"}, "that nothing is available")
        measured("from SIGTERM of the appliance to everything unavailable", time.monotonic() - stopped_at)
    finally:
        appliance.start()
    device.until_complete()


def test_an_unplugged_camera_makes_its_entities_unavailable(
    device: Device, home: HomeAssistant, camera: SimulatedCamera, measured: Measured
) -> None:
    connectivity, events = device.entity("connectivity"), device.entity("event")
    camera.unplug()
    try:
        unplugged_at = time.monotonic()
        home.wait_for(connectivity, lambda state: state == "off", "is off")
        measured("from the unplug to connectivity off", time.monotonic() - unplugged_at)
        home.wait_for(device.entity("camera_state"), lambda state: state == "lost", "is lost")
        eventually(lambda: home.states()[events]["attributes"]["event_type"] == "camera_lost", "the event")
        needy = {f"control_{name}" for name in ("brightness", "power_line_frequency")} | {"take_picture", "resolution"}
        eventually(lambda: {device.state(key) for key in needy} == {"unavailable"}, "that nothing can be set")
        assert device.state("pictures") != "unavailable"
        assert device.state("privacy") == "off"
    finally:
        camera.plug()
    plugged_at = time.monotonic()
    home.wait_for(connectivity, lambda state: state == "on", "is on")
    device.until_complete()
    measured("from the plug to everything available", time.monotonic() - plugged_at)
    eventually(lambda: home.states()[events]["attributes"]["event_type"] == "camera_back", "the event")


def test_home_assistant_comes_back_from_a_restart_with_everything(
    device: Device, home: HomeAssistant, measured: Measured
) -> None:
    before = values(device)
    measured("start of Home Assistant", home.restart())
    running_at = time.monotonic()
    device.until_complete()
    eventually(lambda: values(device) == before, "the values")
    measured("from then to everything back", time.monotonic() - running_at)


def test_a_broker_that_forgot_everything_is_told_and_so_is_home_assistant(
    device: Device, home: HomeAssistant, broker: Broker, measured: Measured, complaints: list[str]
) -> None:
    complaints.append(LOST_BROKER)
    before = values(device)
    broker.stop()
    eventually(lambda: states(device) == {"unavailable"}, "that nothing is available")
    broker.start()
    started_at = time.monotonic()
    device.until_complete()
    eventually(lambda: values(device) == before, "the values")
    measured("from a new broker to everything back", time.monotonic() - started_at)


def test_broker_and_home_assistant_may_start_together_with_nothing_kept(
    device: Device, home: HomeAssistant, broker: Broker, measured: Measured, complaints: list[str]
) -> None:
    complaints.append(LOST_BROKER)
    before = values(device)
    home.stop()
    broker.restart()
    home.start()
    running_at = time.monotonic()
    device.until_complete()
    eventually(lambda: values(device) == before, "the values")
    measured("from a Home Assistant at a new broker to everything back", time.monotonic() - running_at)


def states(device: Device) -> set[str | None]:
    """Return every state that any entity of the device has."""
    return {state["state"] if state else None for state in device.seen().values()}


def values(device: Device) -> dict[str, str | None]:
    """Return the states of what is set by somebody, by key."""
    settable = {each.key for each in device.of("number", "switch", "select")}
    return {key: state["state"] if state else None for key, state in device.seen().items() if key in settable}
