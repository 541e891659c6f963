"""The discovery of this camera by Home Assistant: one device with its components, derived from declarations.

Home Assistant (2025.4 to 2026.11) rejects the whole device for an unknown key next to the components, or for a
component without a unique id; it silently drops unknown keys inside a component. The abbreviations are in homeassistant
core/components/mqtt/abbreviations.py. `qos` is repeated in each component because 2025.4 to 2026.5 do not inherit it.
A component is available only if every one of its availability topics is `online`.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from appliance import __version__
from appliance.commands import Declaration
from appliance.facts import Entity, Fact
from appliance.mqtt import topics as paths
from appliance.mqtt.topics import Topics

Components = dict[str, dict[str, Any]]

CONTROL = "control_"  # prefix of the components of controls
RESOLUTION = "resolution"

_VALUE = re.compile(r"\bvalue\b")
_MAX_TEXT = 255  # characters, limit of a state in Home Assistant
_MINIMUM_STEP = 0.001  # of a number in Home Assistant
_UNLIMITED = 1_000_000  # replaces a missing limit, because Home Assistant requires one


def device_id(topics: Topics) -> str:
    """Return the id of the device, derived only from the topics, which are unique.

    A camera whose SD card was replaced therefore remains the same device, with its names and history.
    """
    return re.sub(r"[^a-zA-Z0-9_-]", "_", f"{topics.base}-{topics.name}")


def config_topic(prefix: str, topics: Topics) -> str:
    """Return the topic of the discovery message."""
    return f"{prefix}/device/{device_id(topics)}/config"


def document(topics: Topics, state: dict[str, Any], page: str, components: Components) -> dict[str, Any]:
    """Return the discovery message of the device. `page` is the URL of its page."""
    model = state["camera"]["description"]
    device = {
        "ids": [device_id(topics)],
        "name": topics.name.replace("_", " ").replace("-", " ").capitalize(),
        "mf": "Camera Appliance",
        "sw": __version__,
        "cu": page,
    }
    return {
        "dev": device | ({"mdl": model} if model else {}),
        "o": {"name": "camera-appliance", "sw": __version__},
        "cmps": components,
    }


def appliance_components(
    topics: Topics, commands: list[Declaration], facts: Iterable[Fact], event_types: list[str], is_live: bool
) -> Components:
    """Return the components that are independent of the camera: pictures, buttons, sensors, privacy."""
    components = _pictures(topics, event_types, is_live) | _facts(topics, facts)
    for command in commands:
        if command.press:
            components[command.name] = {
                "p": "button",
                "name": command.press,
                "cmd_t": topics.of(f"command/{command.name}"),
                "pl_prs": "{}",
                "avty": _availability(topics, needs_camera=command.name != "restart_camera"),
            } | ({"dev_cla": "restart"} if command.name == "restart_camera" else {})
            if command.name != "take_picture":
                components[command.name]["ent_cat"] = "config"
    components["privacy"] = {
        "p": "switch",
        "name": "Privacy",
        "ic": "mdi:eye-off",
        "stat_t": topics.of(paths.PRIVACY),
        "cmd_t": topics.of("privacy/set"),
        "avty": _availability(topics),
    }
    return _completed(topics, components)


def control_components(topics: Topics, controls: dict[str, Any]) -> Components:
    """Return a component for each control, from the result of `get_controls`."""
    components = {}
    for control in controls["controls"]:
        name = control["name"]
        availability = {
            "t": topics.of(paths.CONTROLS_AVAILABILITY),
            "val_tpl": f"{{{{ value_json.get({_literal(name)}, 'offline') }}}}",
        }
        components[CONTROL + name] = {
            "name": control["label"],
            "ent_cat": "config",
            "avty": [*_availability(topics, needs_camera=True), availability],
            **_control(topics, control),
        }
    return _completed(topics, components)


def resolution_component(topics: Topics, state: dict[str, Any], formats: list[dict[str, Any]]) -> Components:
    """Return the selection of a resolution in the current pixel format; empty if there is none."""
    requested, granted = state["format"]["requested"], state["format"]["granted"]
    fitting = [each for each in formats if each["pixel_format"] == requested["pixel_format"]]
    if requested["pixel_format"] == "auto":
        fitting = [each for each in formats if granted and each["pixel_format"] == granted["pixel_format"]]
    sizes = {(size["width"], size["height"]) for each in fitting or formats for size in each["sizes"]}
    if not sizes:
        return {}
    if granted:
        sizes.add((granted["width"], granted["height"]))
    shown = "{% set f = value_json.format.granted %}{{ f.width ~ 'x' ~ f.height if f else None }}"
    command_template = '{"width": {{ value.split("x")[0] }}, "height": {{ value.split("x")[1] }}}'
    select = {
        "p": "select",
        "name": "Resolution",
        "ic": "mdi:monitor-screenshot",
        "ent_cat": "config",
        "stat_t": topics.of(paths.STATE),
        "val_tpl": shown,
        "cmd_t": topics.of("command/set_format"),
        "cmd_tpl": command_template,
        "ops": [f"{width}x{height}" for width, height in sorted(sizes)],
        "avty": _availability(topics, needs_camera=True),
    }
    return _completed(topics, {RESOLUTION: select})


def _pictures(topics: Topics, event_types: list[str], is_live: bool) -> Components:
    info = topics.of(paths.PICTURE_INFO)
    return {
        "camera": {  # without a name: the main entity of the device
            "p": "camera",
            "name": None,
            "t": topics.of(paths.LIVE if is_live else paths.PICTURE),
            "avty": _availability(topics, needs_camera=is_live),
        },
        "picture": {
            "p": "image",
            "name": "Last picture",
            "img_t": topics.of(paths.PICTURE),
            "cont_type": "image/jpeg",
            "avty": _availability(topics),
        },
        "picture_time": {
            "p": "sensor",
            "name": "Last picture time",
            "dev_cla": "timestamp",
            "ent_cat": "diagnostic",
            "stat_t": info,
            "val_tpl": "{{ value_json.taken_at }}",
            "avty": _availability(topics),
        },
        "event": {
            "p": "event",
            "name": "Event",
            "stat_t": topics.of(paths.EVENT),
            "evt_typ": event_types,
            "avty": _availability(topics),
        },
    }


def _facts(topics: Topics, facts: Iterable[Fact]) -> Components:
    """Return the entities of facts: diagnostic sensors."""
    return {
        entity.key or fact.path.replace(".", "_"): _entity(topics, fact, entity)
        for fact in facts
        for entity in fact.entities
    }


def _entity(topics: Topics, fact: Fact, entity: Entity) -> dict[str, Any]:
    value = f"value_json.{fact.path}"
    component: dict[str, Any] = {
        "p": entity.platform,
        "name": entity.name,
        "ent_cat": "diagnostic",
        "stat_t": topics.of(entity.topic),
        "avty": _availability(topics),
    }
    if entity.topic != paths.STATE:
        component |= {"pl_on": "online", "pl_off": "offline"}
    elif entity.platform == "binary_sensor":
        component["val_tpl"] = f"{{{{ {{true: 'ON', false: 'OFF'}}.get({value}, None) }}}}"
    else:
        component["val_tpl"] = f"{{{{ {re.sub(_VALUE, value, entity.value) or value} }}}}"
    if entity.has_attributes:
        component |= {"json_attr_t": topics.of(entity.topic), "json_attr_tpl": f"{{{{ {value} | tojson }}}}"}
    if entity.platform == "update":
        component["title"] = "Camera Appliance"
    optional = {
        "dev_cla": entity.device_class,
        "stat_cla": entity.state_class,
        "unit_of_meas": entity.unit,
        "ic": entity.icon,
        "sug_dsp_prc": entity.precision,
        "ops": list(entity.options),
    }
    component |= {key: each for key, each in optional.items() if each not in ("", None, [])}
    return component if entity.enabled else component | {"en": False}


def _control(topics: Topics, control: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a component that depend on the kind of a control."""
    name, kind = control["name"], control["kind"]
    value = f"value_json.get({_literal(name)})"
    reads = {"stat_t": topics.of(paths.CONTROLS)}
    sets = {"cmd_t": topics.of(f"controls/{name}/set")}
    unit = {"unit_of_meas": control["unit"]} if control["unit"] else {}
    if kind == "button":
        return {"p": "button", **sets}
    if kind == "boolean":
        reads["val_tpl"] = f"{{{{ {{true: 'ON', false: 'OFF'}}.get({value}) }}}}"
        if control["read_only"]:
            return {"p": "binary_sensor", "ent_cat": "diagnostic", **reads}
        return {"p": "switch", **reads, **sets}
    labels = _labels(control) if kind == "menu" else {}
    shown = f"{_literal({str(each): label for each, label in labels.items()})}.get({value} | string)"
    if control["read_only"]:
        text = f"{{{{ {shown if labels else value} }}}}"
        return {"p": "sensor", "ent_cat": "diagnostic", **reads, **unit, "val_tpl": text}
    if kind == "menu":
        command_template = f"{{{{ {_literal({label: each for each, label in labels.items()})}[value] }}}}"
        options = {"ops": list(labels.values()), "val_tpl": f"{{{{ {shown} }}}}", "cmd_tpl": command_template}
        return {"p": "select", **reads, **sets, **options}
    reads["val_tpl"] = f"{{{{ {value} }}}}"
    if kind == "text":
        return {"p": "text", **reads, **sets, "max": min(_MAX_TEXT, control["maximum"] or _MAX_TEXT)}
    return {"p": "number", **reads, **sets, **unit, **_range(control)}


def _range(control: dict[str, Any]) -> dict[str, float]:
    """Return the limits and the step of a number; the defaults of Home Assistant are 1 to 100 in steps of 1."""
    low = -_UNLIMITED if control["minimum"] is None else control["minimum"]
    high = _UNLIMITED if control["maximum"] is None else control["maximum"]
    step = control["step"]
    if not step:
        is_fine = control["kind"] == "number" and high > low
        step = 10.0 ** math.floor(math.log10((high - low) / 100)) if is_fine else 1
    return {"min": low, "max": high, "step": max(step, _MINIMUM_STEP)}


def _labels(control: dict[str, Any]) -> dict[int | str, str]:
    """Return the labels of a menu by value; duplicate labels get their value appended."""
    labels = [choice["label"] for choice in control["choices"]]
    return {
        choice["value"]: choice["label"]
        if labels.count(choice["label"]) == 1
        else f"{choice['label']} ({choice['value']})"
        for choice in control["choices"]
    }


def _availability(topics: Topics, needs_camera: bool = False) -> list[dict[str, str]]:
    required = [paths.AVAILABILITY, paths.CAMERA] if needs_camera else [paths.AVAILABILITY]
    return [{"t": topics.of(path)} for path in required]


def _completed(topics: Topics, components: Components) -> Components:
    """Return the components with the keys that all have in common."""
    identity = device_id(topics)
    return {
        key: {**keys, "uniq_id": f"{identity}_{key}", "qos": 1, "avty_mode": "all"} for key, keys in components.items()
    }


def _literal(value: object) -> str:
    """Return a text or a mapping as a Jinja literal."""
    return json.dumps(value, ensure_ascii=False)
