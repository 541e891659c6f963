"""The device that Home Assistant makes of an announcement."""

from tests.home_assistant.device import Device, is_number
from tests.home_assistant.home import HomeAssistant
from tests.running import RunningAppliance, eventually

NEVER_USED = ("button", "event")  # they are `unknown` until something happens


def test_every_component_is_an_entity(device: Device, home: HomeAssistant) -> None:
    entities = home.entities()
    announced = {each.unique_id: each.platform for each in device.components}
    assert {name: entry["entity_id"].partition(".")[0] for name, entry in entities.items()} == announced


def test_every_entity_has_a_state(device: Device, appliance: RunningAppliance, home: HomeAssistant) -> None:
    """All but those whose value is not known to the appliance either, and those that nobody has used yet."""
    appliance.ask("POST", "/api/pictures")
    unused = {each.key for each in device.components if each.platform in NEVER_USED}
    state = appliance.state()
    null = {name for name in ("temperature", "under_voltage") if state[name] is None}
    governed = {f"control_{each}" for each in inactive(appliance)}

    def without_state() -> set[str]:
        return {key for key, seen in device.seen().items() if not seen or seen["state"] in ("unknown", "unavailable")}

    eventually(lambda: without_state() <= unused | null | governed, "a state of everything", 40)
    assert without_state() >= null | governed


def test_entities_off_by_default_have_a_state_once_enabled(device: Device, home: HomeAssistant) -> None:
    disabled = [entry for entry in home.entities().values() if entry["disabled_by"] == "integration"]
    assert disabled
    for entry in disabled:
        home.ask("config/entity_registry/update", entity_id=entry["entity_id"], disabled_by=None)
    home.reload()
    for entry in disabled:
        home.wait_for(entry["entity_id"], is_number, "has a number")


def test_the_device_says_what_it_is_and_leads_to_its_page(
    device: Device, appliance: RunningAppliance, home: HomeAssistant
) -> None:
    (entry,) = [each for each in home.devices() if each["identifiers"] == [["mqtt", "camera-appliance-camera"]]]
    state = appliance.state()
    assert (entry["name"], entry["model"]) == ("Camera", state["camera"]["description"])
    assert entry["sw_version"] == state["version"]
    assert entry["configuration_url"] == appliance.url


def test_only_what_is_used_daily_is_not_a_setting_or_a_diagnosis(device: Device, home: HomeAssistant) -> None:
    """These are what Home Assistant shows by itself on a dashboard, and offers to voice assistants."""
    daily = {name for name, entry in home.entities().items() if entry["entity_category"] is None}
    wanted = ("camera", "picture", "take_picture", "event", "privacy")
    assert daily == {device.component(key).unique_id for key in wanted}


def test_every_entity_is_named_after_the_device(device: Device) -> None:
    entities = {key: seen["entity_id"] for key, seen in device.seen().items() if seen}
    assert entities["camera"] == "camera.camera"
    assert all(entity.partition(".")[2].startswith("camera_") for key, entity in entities.items() if key != "camera")
    assert not [entity for entity in entities.values() if entity[-2:] in ("_2", "_3")]


def inactive(appliance: RunningAppliance) -> set[str]:
    controls = appliance.ask("GET", "/api/controls").json["controls"]
    return {each["name"] for each in controls if each["inactive"]}
