"""Pictures in Home Assistant are the camera's, byte for byte."""

from functools import partial

from tests.home_assistant.device import Device, retained
from tests.home_assistant.home import HomeAssistant
from tests.mqtt.broker import Broker
from tests.mqtt.client import ROOT
from tests.running import Answer, RunningAppliance, eventually


def test_the_button_takes_a_picture_and_both_pictures_are_that_file(
    device: Device, appliance: RunningAppliance, home: HomeAssistant, broker: Broker
) -> None:
    before = appliance.stored()
    home.call(device.entity("take_picture"), "press")
    (name,) = eventually(lambda: set(appliance.stored()) - set(before), "a picture")
    stored = (appliance.pictures / name).read_bytes()
    eventually(lambda: retained(broker)[f"{ROOT}/picture"] == stored, "the picture at the broker")
    for entity in (device.entity("camera"), device.entity("picture")):
        eventually(partial(shows, home, entity, stored), f"the picture of {entity}")


def test_a_picture_is_an_event_and_counted(device: Device, appliance: RunningAppliance, home: HomeAssistant) -> None:
    before = device.state("event")
    taken = appliance.ask("POST", "/api/pictures").json
    event = home.wait_for(device.entity("event"), lambda state: state != before, "has happened")
    assert event["attributes"]["event_type"] == "picture_taken"
    assert event["attributes"]["picture"]["id"] == taken["id"]
    home.wait_for(device.entity("pictures"), lambda state: state == str(appliance.state()["pictures"]), "is counted")
    shown = home.wait_for(device.entity("picture_time"), lambda state: state not in ("unknown", before), "is known")
    assert shown["state"][:19] == taken["taken_at"][:19]


def picture(home: HomeAssistant, entity: str) -> Answer:
    """Return what Home Assistant gives a dashboard to show."""
    return home.http("GET", f"/api/{entity.partition('.')[0]}_proxy/{entity}")


def shows(home: HomeAssistant, entity: str, jpeg: bytes) -> bool:
    """Return whether a dashboard shows exactly these bytes for the entity."""
    answer = picture(home, entity)
    return (answer.status, answer.headers.get_content_type(), answer.body) == (200, "image/jpeg", jpeg)
