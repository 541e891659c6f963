"""The AsyncAPI document, generated from the topics and the commands."""

import re
from collections.abc import Iterable
from typing import Any

from appliance import __version__
from appliance.commands import PRESSES, Declaration
from appliance.events import Event
from appliance.facts import members, nullable, reference
from appliance.mqtt.topics import TOPICS, Topic
from appliance.service.pictures import PICTURE_SCHEMA

_BASE = "camera-appliance/{camera}"
_VALUE = {"type": ["integer", "number", "boolean", "string", "null"]}
_TRANSACTION = {"description": "Returned unchanged in the response."}
_CONTENT_TYPES = {"text": "text/plain", "jpeg": "image/jpeg"}
_ERROR = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}

SCHEMAS: dict[str, Any] = {
    "Values": {"type": "object", "additionalProperties": _VALUE},
    "Availabilities": {"type": "object", "additionalProperties": {"enum": ["online", "offline"]}},
    "Published": {
        "type": "object",
        "properties": {
            "bytes": {"type": "integer"},
            "width": {"type": ["integer", "null"]},
            "height": {"type": ["integer", "null"]},
            "reduced": {"type": "boolean"},
        },
    },
    "PictureInfo": {
        "description": "A picture, and the form in which it was published. Every value is null if there is no picture.",
        **members(
            **{name: nullable(schema) for name, schema in PICTURE_SCHEMA["properties"].items()},
            published=nullable(reference("Published")),
        ),
    },
}


def document(commands: Iterable[Declaration], events: Iterable[Event], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the document. `schemas` are the schemas of the results of commands, by name."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    declared = list(commands)
    for topic in TOPICS:
        if "{command}" not in topic.path:
            key = _key(topic.path)
            channels[key] = _channel(topic.path, topic.help, {"message": _message(topic)})
            operations[f"{'receive' if topic.received else 'send'}_{key}"] = _operation(
                "receive" if topic.received else "send", key, topic, reply=_reply_of(topic.path)
            )
    request, response = (
        next(each for each in TOPICS if each.path.startswith(prefix)) for prefix in ("command/", "response/")
    )
    for command in declared:
        key, response_key = f"command_{command.name}", f"response_{command.name}"
        channels[key] = _channel(f"command/{command.name}", command.help, {"arguments": _arguments(command)})
        channels[response_key] = _channel(f"response/{command.name}", response.help, {"answer": _response(command)})
        operations[command.name] = _operation("receive", key, request, reply=command.name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Camera Appliance",
            "version": __version__,
            "description": "All topics are below `<mqtt.base_topic>/<camera.name>`; by default "
            "`camera-appliance/camera`.",
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": {**schemas, **SCHEMAS, "Event": _event(events)}},
    }


def _event(events: Iterable[Event]) -> dict[str, Any]:
    """Return the schema of the event topic."""
    time = {"type": "string", "format": "date-time"}
    return {
        "oneOf": [
            {"description": event.help, **members(event_type={"const": event.name}, time=time, **event.data)}
            for event in events
            if event.bus
        ]
    }


def _key(path: str) -> str:
    return re.sub(r"\W+", "_", path.replace("{control}", "control")).strip("_")


def _channel(path: str, help: str, messages: dict[str, Any]) -> dict[str, Any]:
    parameters = {"camera": {"description": "The name of the camera, `camera.name`.", "default": "camera"}}
    if "{control}" in path:
        parameters["control"] = {"description": "The name of a control, such as `brightness`."}
    return {"address": f"{_BASE}/{path}", "description": help, "parameters": parameters, "messages": messages}


def _message(topic: Topic) -> dict[str, Any]:
    if topic.content in _CONTENT_TYPES:
        payload = {"type": "string"} | ({"format": "binary"} if topic.content == "jpeg" else {})
        return {"contentType": _CONTENT_TYPES[topic.content], "payload": payload}
    return {"contentType": "application/json", "payload": {"$ref": f"#/components/schemas/{topic.content}"}}


def _arguments(command: Declaration) -> dict[str, Any]:
    properties = {parameter.name: parameter.schema() for parameter in command.parameters}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {**properties, "transaction": _TRANSACTION},
        "additionalProperties": _VALUE if command.free else False,
    }
    if required := [parameter.name for parameter in command.parameters if parameter.required]:
        schema["required"] = required
    if command.takes_any_payload:
        schema["description"] = "A payload that is not a JSON object also runs the command."
    elif command.is_button:
        words = ", ".join(f"`{each.upper()}`" for each in sorted(PRESSES))
        schema["description"] = f"One of {words}, in upper or lower case, runs the command without arguments."
    return {"contentType": "application/json", "payload": schema}


def _response(command: Declaration) -> dict[str, Any]:
    good = {
        "type": "object",
        "properties": {
            "ok": {"const": True},
            "result": command.result_schema,
            "transaction": _TRANSACTION,
        },
        "required": ["ok", "result"],
    }
    bad = {
        "type": "object",
        "properties": {"ok": {"const": False}, "error": _ERROR, "transaction": _TRANSACTION},
        "required": ["ok", "error"],
    }
    return {"contentType": "application/json", "payload": {"oneOf": [good, bad]}}


def _reply_of(path: str) -> str | None:
    """Return the command whose response topic receives the response to a message on the topic, or None."""
    if path.startswith("controls/") and path.endswith("/set"):
        return "set_controls"
    return "set_privacy" if path == "privacy/set" else None


def _operation(action: str, channel: str, topic: Topic, reply: str | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retained, "bindingVersion": "0.2.0"}},
    }
    if reply:
        operation["reply"] = {"channel": {"$ref": f"#/channels/response_{reply}"}}
    return operation
