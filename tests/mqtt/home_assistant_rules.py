"""What Home Assistant 2025.4 to 2026.11 takes as the discovery of a device, as a JSON Schema.

Written from its code (homeassistant/components/mqtt/schemas.py, abbreviations.py and one file for each platform). It is
stricter in one way: Home Assistant drops unknown keys inside a component silently, here they are an error.
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_TOPIC = {"type": "string", "pattern": r"^[^+#\u0000]+$"}
_AVAILABILITY = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"t": _TOPIC, "pl_avail": _TEXT, "pl_not_avail": _TEXT, "val_tpl": _TEXT},
        "required": ["t"],
        "additionalProperties": False,
    },
}
_COMMON: dict[str, Any] = {
    "name": {"type": ["string", "null"]},
    "uniq_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"},
    "ent_cat": {"enum": ["config", "diagnostic"]},
    "avty": _AVAILABILITY,
    "avty_mode": {"const": "all"},
    "qos": {"const": 1},
    "ic": {"type": "string", "pattern": "^mdi:"},
    "en": {"type": "boolean"},
    "json_attr_t": _TOPIC,
    "json_attr_tpl": _TEXT,
}
_READS = {"stat_t": _TOPIC, "val_tpl": _TEXT}
_SETS = {"cmd_t": _TOPIC, "cmd_tpl": _TEXT}
_UNIT = {"unit_of_meas": _TEXT}
_DIAGNOSTIC = {"ent_cat": {"const": "diagnostic"}}
_SENSOR_CLASSES = ("data_size", "duration", "enum", "temperature", "timestamp")


def _component(platform: str, required: list[str], **keys: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"p": {"const": platform}, **_COMMON, **keys},
        "required": ["p", "uniq_id", "name", "avty", "avty_mode", "qos", *required],
        "additionalProperties": False,
    }


COMPONENTS: dict[str, dict[str, Any]] = {
    "camera": _component("camera", ["t"], t=_TOPIC),
    "image": _component("image", ["img_t"], img_t=_TOPIC, cont_type={"const": "image/jpeg"}),
    "number": _component(
        "number",
        ["cmd_t", "stat_t", "min", "max", "step"],
        min={"type": "number"},
        max={"type": "number"},
        step={"type": "number", "minimum": 0.001},
        **_READS,
        **_SETS,
        **_UNIT,
    ),
    "select": _component(
        "select",
        ["cmd_t", "stat_t", "ops"],
        ops={"type": "array", "items": _TEXT, "uniqueItems": True, "minItems": 1},
        **_READS,
        **_SETS,
    ),
    "switch": _component("switch", ["cmd_t", "stat_t"], **_READS, **_SETS),
    "text": _component("text", ["cmd_t", "stat_t"], max={"type": "integer", "maximum": 255}, **_READS, **_SETS),
    "button": _component("button", ["cmd_t"], pl_prs=_TEXT, dev_cla={"enum": ["restart", "identify"]}, **_SETS),
    "sensor": _component(
        "sensor",
        ["stat_t"],
        dev_cla={"enum": list(_SENSOR_CLASSES)},
        stat_cla={"enum": ["measurement", "total_increasing"]},
        sug_dsp_prc={"type": "integer"},
        ops={"type": "array", "items": _TEXT, "uniqueItems": True, "minItems": 1},
        **{**_READS, **_UNIT, **_DIAGNOSTIC},
    ),
    "binary_sensor": _component(
        "binary_sensor",
        ["stat_t"],
        dev_cla={"enum": ["connectivity", "problem"]},
        pl_on=_TEXT,
        pl_off=_TEXT,
        **{**_READS, **_DIAGNOSTIC},
    ),
    "event": _component(
        "event", ["stat_t", "evt_typ"], evt_typ={"type": "array", "items": _TEXT, "minItems": 1}, **_READS
    ),
    "update": _component("update", ["stat_t"], title=_TEXT, **_READS),
}

DEVICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "dev": {
            "type": "object",
            "properties": {
                "ids": {"type": "array", "items": _TEXT, "minItems": 1},
                "name": _TEXT,
                "mf": _TEXT,
                "mdl": _TEXT,
                "sw": _TEXT,
                "cu": {"type": "string", "pattern": "^https?://[^/]+/"},
            },
            "required": ["ids", "name"],
            "additionalProperties": False,
        },
        "o": {
            "type": "object",
            "properties": {"name": _TEXT, "sw": _TEXT, "url": _TEXT},
            "required": ["name"],
            "additionalProperties": False,
        },
        "cmps": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-zA-Z0-9_-]+$"},
            "additionalProperties": {"oneOf": list(COMPONENTS.values())},
        },
    },
    "required": ["dev", "o", "cmps"],
    "additionalProperties": False,
}
