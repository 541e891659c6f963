"""What Home Assistant is told about this camera: one device with its components, derived from what there is.

Home Assistant (2025.4 to 2026.11) refuses a whole device for one unknown key beside the components, or a component
without a unique id; it drops unknown keys inside a component silently. Its abbreviations are in homeassistant
core/components/mqtt/abbreviations.py. `qos` is repeated in each component because 2025.4 to 2026.5 do not inherit it.
A component is unavailable unless every topic it names says `online`.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from appliance import __version__
from appliance.commands import Declaration
from appliance.lifecycle import STATES
from appliance.mqtt import topics as paths
from appliance.mqtt.publications import EVENT_TYPES
from appliance.mqtt.topics import Topics

Components = dict[str, dict[str, Any]]

CONTROL = "control_"  # how the components of controls begin
RESOLUTION = "resolution"

_LONGEST_TEXT = 255  # characters of a state in Home Assistant


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A number in the state: the way to it, and how it is shown."""

    path: str
    name: str
    keys: dict[str, Any]


_MEASUREMENTS = (
    _Measurement("fps", "Frame rate", {"unit_of_meas": "fps", "ic": "mdi:speedometer", "sug_dsp_prc": 1}),
    _Measurement("viewers", "Viewers", {"ic": "mdi:eye"}),
    _Measurement("frame_age", "Frame age", {"unit_of_meas": "s", "dev_cla": "duration", "sug_dsp_prc": 2, "en": False}),
    _Measurement("frames.dropped", "Dropped frames", {"stat_cla": "total_increasing", "en": False}),
    _Measurement("frames.corrupt", "Corrupt frames", {"stat_cla": "total_increasing", "en": False}),
    _Measurement("pictures", "Pictures", {"ic": "mdi:image-multiple"}),
    _Measurement("disk_free", "Disk left", {"unit_of_meas": "B", "dev_cla": "data_size", "sug_dsp_prc": 0}),
    _Measurement("temperature", "Temperature", {"unit_of_meas": "°C", "dev_cla": "temperature", "sug_dsp_prc": 1}),
)


def device_id(topics: Topics) -> str:
    """Return the id of the device: it follows from the topics alone, which nobody else may have anyway.

    So a camera whose SD card was replaced is the same device again, with its names and its history.
    """
    return re.sub(r"[^a-zA-Z0-9_-]", "_", f"{topics.base}-{topics.name}")


def config_topic(prefix: str, topics: Topics) -> str:
    """Return where the device is announced."""
    return f"{prefix}/device/{device_id(topics)}/config"


def document(topics: Topics, state: dict[str, Any], page: str, components: Components) -> dict[str, Any]:
    """Return the announcement of the device with these components. `page` is the address of its page."""
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


def appliance_components(topics: Topics, commands: list[Declaration], is_live: bool) -> Components:
    """Return what every appliance has, whatever its camera: pictures, buttons, sensors. All have their unique id."""
    made = _pictures(topics, is_live) | _sensors(topics)
    for command in commands:
        if command.press:
            made[command.name] = {
                "p": "button",
                "name": command.press,
                "cmd_t": topics.of(f"command/{command.name}"),
                "pl_prs": "{}",
                "avty": _availability(topics, needs_camera=command.name != "restart_camera"),
            } | ({"dev_cla": "restart"} if command.name == "restart_camera" else {})
            if command.name != "take_picture":
                made[command.name]["ent_cat"] = "config"
    made["privacy"] = {
        "p": "switch",
        "name": "Privacy",
        "ic": "mdi:eye-off",
        "stat_t": topics.of(paths.PRIVACY),
        "cmd_t": topics.of("privacy/set"),
        "avty": _availability(topics),
    }
    return _finished(topics, made)


def control_components(topics: Topics, controls: dict[str, Any]) -> Components:
    """Return a component for each control of the camera, as `get_controls` reports them."""
    made = {}
    for control in controls["controls"]:
        name = control["name"]
        availability = {
            "t": topics.of(paths.CONTROLS_AVAILABILITY),
            "val_tpl": f"{{{{ value_json.get({_literal(name)}, 'offline') }}}}",
        }
        made[CONTROL + name] = {
            "name": control["label"],
            "ent_cat": "config",
            "avty": [*_availability(topics, needs_camera=True), availability],
            **_control(topics, control),
        }
    return _finished(topics, made)


def resolution_component(topics: Topics, state: dict[str, Any], formats: list[dict[str, Any]]) -> Components:
    """Return the choice of a resolution among those that the camera offers in its pixel format; none without any."""
    wanted, granted = state["format"]["requested"], state["format"]["granted"]
    fitting = [each for each in formats if each["pixel_format"] == wanted["pixel_format"]]
    if wanted["pixel_format"] == "auto":
        fitting = [each for each in formats if granted and each["pixel_format"] == granted["pixel_format"]]
    sizes = {(size["width"], size["height"]) for each in fitting or formats for size in each["sizes"]}
    if not sizes:
        return {}
    if granted:
        sizes.add((granted["width"], granted["height"]))
    shown = "{% set f = value_json.format.granted %}{{ f.width ~ 'x' ~ f.height if f else None }}"
    wish = '{"width": {{ value.split("x")[0] }}, "height": {{ value.split("x")[1] }}}'
    select = {
        "p": "select",
        "name": "Resolution",
        "ic": "mdi:monitor-screenshot",
        "ent_cat": "config",
        "stat_t": topics.of(paths.STATE),
        "val_tpl": shown,
        "cmd_t": topics.of("command/set_format"),
        "cmd_tpl": wish,
        "ops": [f"{width}x{height}" for width, height in sorted(sizes)],
        "avty": _availability(topics, needs_camera=True),
    }
    return _finished(topics, {RESOLUTION: select})


def _pictures(topics: Topics, is_live: bool) -> Components:
    info = topics.of(paths.PICTURE_INFO)
    return {
        "camera": {  # without a name it is the device's main entity
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
            "evt_typ": list(EVENT_TYPES),
            "avty": _availability(topics),
        },
    }


def _sensors(topics: Topics) -> Components:
    state, availability = topics.of(paths.STATE), _availability(topics)
    made: Components = {
        each.path.replace(".", "_"): {
            "p": "sensor",
            "name": each.name,
            "ent_cat": "diagnostic",
            "stat_cla": "measurement",
            "stat_t": state,
            "val_tpl": f"{{{{ value_json.{each.path} }}}}",
            "avty": availability,
            **each.keys,
        }
        for each in _MEASUREMENTS
    }
    return made | _conditions(topics)


def _conditions(topics: Topics) -> Components:
    """Return what is not a number: how the camera is, the power supply, the version."""
    state, availability = topics.of(paths.STATE), _availability(topics)
    made: Components = {}
    made["camera_state"] = {
        "p": "sensor",
        "name": "Camera state",
        "dev_cla": "enum",
        "ops": list(STATES),
        "ent_cat": "diagnostic",
        "stat_t": state,
        "val_tpl": "{{ value_json.camera.state }}",
        "json_attr_t": state,
        "json_attr_tpl": "{{ value_json.camera | tojson }}",
        "avty": availability,
    }
    made["connectivity"] = {
        "p": "binary_sensor",
        "name": "Camera",
        "dev_cla": "connectivity",
        "ent_cat": "diagnostic",
        "stat_t": topics.of(paths.CAMERA),
        "pl_on": "online",
        "pl_off": "offline",
        "avty": availability,
    }
    made["under_voltage"] = {
        "p": "binary_sensor",
        "name": "Under-voltage",
        "dev_cla": "problem",
        "ent_cat": "diagnostic",
        "stat_t": state,
        "val_tpl": "{{ {true: 'ON', false: 'OFF'}.get(value_json.under_voltage, None) }}",
        "avty": availability,
    }
    version = '{{ {"installed_version": value_json.version, "latest_version": value_json.version} | tojson }}'
    made["update"] = {  # It looks for no newer version, so the installed one is the latest it knows.
        "p": "update",
        "name": "Version",
        "title": "Camera Appliance",
        "ent_cat": "diagnostic",
        "stat_t": state,
        "val_tpl": version,
        "avty": availability,
    }
    return made


def _control(topics: Topics, control: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that follow from the kind of a control."""
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
        wish = f"{{{{ {_literal({label: each for each, label in labels.items()})}[value] }}}}"
        options = {"ops": list(labels.values()), "val_tpl": f"{{{{ {shown} }}}}", "cmd_tpl": wish}
        return {"p": "select", **reads, **sets, **options}
    reads["val_tpl"] = f"{{{{ {value} }}}}"
    if kind == "text":
        return {"p": "text", **reads, **sets, "max": min(_LONGEST_TEXT, control["maximum"] or _LONGEST_TEXT)}
    limits = {"min": control["minimum"], "max": control["maximum"], "step": control["step"] or 1}
    return {"p": "number", **reads, **sets, **unit, **limits}


def _labels(control: dict[str, Any]) -> dict[int | str, str]:
    """Return the choices of a menu by value; two of the same name are told apart by their value."""
    labels = [choice["label"] for choice in control["choices"]]
    return {
        choice["value"]: choice["label"]
        if labels.count(choice["label"]) == 1
        else f"{choice['label']} ({choice['value']})"
        for choice in control["choices"]
    }


def _availability(topics: Topics, needs_camera: bool = False) -> list[dict[str, str]]:
    wanted = [paths.AVAILABILITY, paths.CAMERA] if needs_camera else [paths.AVAILABILITY]
    return [{"t": topics.of(path)} for path in wanted]


def _finished(topics: Topics, components: Components) -> Components:
    """Return the components with what all have in common."""
    identity = device_id(topics)
    return {
        key: {**keys, "uniq_id": f"{identity}_{key}", "qos": 1, "avty_mode": "all"} for key, keys in components.items()
    }


def _literal(value: object) -> str:
    """Return a text or a mapping as Jinja reads it."""
    return json.dumps(value, ensure_ascii=False)
