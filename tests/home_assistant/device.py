"""What the broker keeps, and what the appliance announced there to Home Assistant."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from tests.home_assistant.home import HomeAssistant, State
from tests.mqtt.broker import Broker
from tests.mqtt.client import Client
from tests.running import PATIENCE, RunningAppliance, eventually


@dataclass(frozen=True)
class Component:
    """A component of an announced device, by its key there."""

    key: str
    keys: dict[str, Any]

    @property
    def platform(self) -> str:
        """What kind of entity it is, `number` for example."""
        platform: str = self.keys["p"]
        return platform

    @property
    def unique_id(self) -> str:
        """By what Home Assistant knows it, whatever its entity is called."""
        unique_id: str = self.keys["uniq_id"]
        return unique_id

    @property
    def command(self) -> str:
        """The command that its messages give, "" for none."""
        return self._between("/command/", "")

    @property
    def control(self) -> str:
        """The control that its messages set, "" for none."""
        return self._between("/controls/", "/set")

    @property
    def is_governed(self) -> bool:
        """Whether it may be unavailable by itself, as the control of an automatic mode is."""
        return any("val_tpl" in each for each in self.keys["avty"])

    def _between(self, start: str, end: str) -> str:
        head, found, name = self.keys.get("cmd_t", "").partition(start)
        return name.removesuffix(end) if found and head and name.endswith(end) else ""


@dataclass(frozen=True)
class Device:
    """An announced device, seen in Home Assistant."""

    home: HomeAssistant
    document: dict[str, Any]

    @property
    def components(self) -> list[Component]:
        """All components, in the order of the announcement."""
        return [Component(key, keys) for key, keys in self.document["cmps"].items()]

    def of(self, *platforms: str) -> list[Component]:
        """Return the components of these platforms; fail when there is none."""
        found = [each for each in self.components if each.platform in platforms]
        assert found, platforms
        return found

    def component(self, key: str) -> Component:
        """Return the component of that key."""
        return Component(key, self.document["cmps"][key])

    def entity(self, component: Component | str) -> str:
        """Return the entity id of a component, which has to be there, on the right platform."""
        if isinstance(component, str):
            component = self.component(component)
        entity: str = self.home.entities()[component.unique_id]["entity_id"]
        assert entity.startswith(f"{component.platform}."), entity
        return entity

    def state(self, component: Component | str) -> str:
        """Return the state of a component's entity."""
        state: str = self.home.states()[self.entity(component)]["state"]
        return state

    def seen(self) -> dict[str, State | None]:
        """Return the states of all enabled entities by the keys of their components; None where there is none."""
        entities, states = self.home.entities(), self.home.states()
        seen: dict[str, State | None] = {}
        for component in self.components:
            entry = entities.get(component.unique_id)
            if entry is None or entry["disabled_by"] is None:
                seen[component.key] = states.get(entry["entity_id"]) if entry else None
        return seen

    def missing(self) -> set[str]:
        """Return the keys of the components that are not there, or not available although nothing governs them."""
        seen = self.seen()
        governed = {each.key for each in self.components if each.is_governed}
        return {
            key
            for key, state in seen.items()
            if state is None or (state["state"] == "unavailable" and key not in governed)
        }

    def until_complete(self, seconds: float = PATIENCE) -> None:
        """Wait until every component is there and available."""
        missing: set[str] = set()

        def is_complete() -> bool:
            nonlocal missing
            missing = self.missing()
            return not missing

        try:
            eventually(is_complete, "a complete device", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; missing: {sorted(missing)}") from None


def is_number(state: str) -> bool:
    """Tell a number from `unknown` and `unavailable`."""
    return re.fullmatch(r"-?\d+(\.\d+)?", state) is not None


def retained(broker: Broker) -> dict[str, bytes]:
    """Return what the broker keeps, by topic."""
    with Client(broker) as newcomer:
        nonce = secrets.token_hex(8)
        newcomer.publish("last", nonce)  # A broker passes on what it keeps before anything that comes after.
        newcomer.wait_for("last", lambda message: message.payload == nonce.encode())
        return {message.topic: message.payload for message in newcomer.messages if message.retain}


def complete_device(
    home: HomeAssistant,
    broker: Broker,
    appliance: RunningAppliance,
    name: str = "camera",
    prefix: str = "homeassistant",
    seconds: float = PATIENCE,
) -> Device:
    """Return the device of the appliance when it is announced with the controls that its camera has, and complete."""
    topic = f"{prefix}/device/camera-appliance-{name}/config"
    controls = {f"control_{each['name']}" for each in appliance.ask("GET", "/api/controls").json["controls"]}

    def document() -> dict[str, Any] | None:
        content: dict[str, Any] = json.loads(retained(broker).get(topic, b'{"cmps": {}}'))
        return content if {key for key in content["cmps"] if key.startswith("control_")} == controls else None

    device = Device(home, eventually(document, "the announcement of the controls"))
    device.until_complete(seconds)
    return device
