"""The OpenAPI document, generated from the commands and the few routes that are not commands."""

import re
from collections.abc import Mapping
from typing import Any

from appliance import __version__
from appliance.commands import Command, Declaration
from appliance.lifecycle import STATES
from appliance.parameters import Parameter

_NULLABLE_TEXT = {"type": ["string", "null"]}
_NULLABLE_NUMBER = {"type": ["number", "null"]}
_VALUE = {"type": ["integer", "number", "boolean", "string", "null"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_INTEGER, _NUMBER, _TEXT, _BOOLEAN = ({"type": kind} for kind in ("integer", "number", "string", "boolean"))
_FORMAT = _object(width=_INTEGER, height=_INTEGER, fps=_NUMBER, pixel_format=_TEXT)
_NULLABLE_FORMAT = {"oneOf": [_reference("Format"), {"type": "null"}]}

SCHEMAS: dict[str, Any] = {
    "Error": _object(error=_object(code=_TEXT, message=_TEXT)),
    "Format": _FORMAT,
    "State": _object(
        name=_TEXT,
        version=_TEXT,
        uptime=_NUMBER,
        time={"type": "string", "format": "date-time"},
        camera=_object(
            state={"enum": list(STATES)},
            reason=_NULLABLE_TEXT,
            since={"type": "string", "format": "date-time"},
            source=_TEXT,
            device=_NULLABLE_TEXT,
            description=_NULLABLE_TEXT,
        ),
        privacy=_BOOLEAN,
        format=_object(requested=_reference("Format"), granted=_NULLABLE_FORMAT),
        fps=_NULLABLE_NUMBER,
        frame_age=_NULLABLE_NUMBER,
        frames=_object(captured=_INTEGER, dropped=_INTEGER, corrupt=_INTEGER),
        viewers=_INTEGER,
        max_viewers=_INTEGER,
        pictures=_INTEGER,
        disk_free={"type": ["integer", "null"]},
        mqtt=_object(state={"enum": ["off", "connecting", "connected", "refused"]}, reason=_NULLABLE_TEXT),
        temperature=_NULLABLE_NUMBER,
        under_voltage={"type": ["boolean", "null"]},
    ),
    "Control": _object(
        name=_TEXT,
        label=_TEXT,
        kind={"enum": ["integer", "number", "boolean", "menu", "button", "text"]},
        group={"enum": ["user", "camera", "image"]},
        value=_VALUE,
        default=_VALUE,
        minimum=_NULLABLE_NUMBER,
        maximum=_NULLABLE_NUMBER,
        step=_NULLABLE_NUMBER,
        choices={"type": ["array", "null"], "items": _object(value=_VALUE, label=_TEXT)},
        unit=_NULLABLE_TEXT,
        inactive=_BOOLEAN,
        read_only=_BOOLEAN,
    ),
    "Controls": _object(
        values={"type": "object", "additionalProperties": _VALUE},
        controls={"type": "array", "items": _reference("Control")},
    ),
    "FormatReport": _object(
        requested=_reference("Format"),
        granted=_NULLABLE_FORMAT,
        available={
            "type": "array",
            "items": _object(
                pixel_format=_TEXT,
                description=_TEXT,
                sizes={
                    "type": "array",
                    "items": _object(width=_INTEGER, height=_INTEGER, rates={"type": "array", "items": _NUMBER}),
                },
            ),
        },
    ),
    "Picture": _object(
        id=_INTEGER,
        name=_TEXT,
        taken_at={"type": "string", "format": "date-time"},
        bytes=_INTEGER,
        width={"type": ["integer", "null"]},
        height={"type": ["integer", "null"]},
        url=_TEXT,
        thumbnail=_TEXT,
    ),
    "PicturePage": _object(
        pictures={"type": "array", "items": _reference("Picture")},
        total=_INTEGER,
        next={"type": ["integer", "null"]},
    ),
    "Privacy": _object(privacy=_BOOLEAN),
    "DeletedPicture": _object(deleted=_reference("Picture"), restorable=_NUMBER),
    "DeletedPictures": _object(deleted={"type": "array", "items": _INTEGER}, restorable=_NUMBER),
    "RestoredPictures": _object(restored={"type": "array", "items": _INTEGER}),
}

_MAX_AGE = {
    "name": "max_age",
    "in": "query",
    "description": "Take a frame that is no older than so many seconds; 0 is one captured after the request.",
    "schema": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
}
_UPRIGHT = {
    "name": "upright",
    "in": "query",
    "description": "Turn the pixels themselves, for programs that do not look at the orientation.",
    "schema": {"type": "boolean", "default": False},
}
SELECTION = Parameter(
    name="ids",
    kind="text",
    help="Numbers and spans of numbers, such as `7,9,12-40`; without it, all pictures.",
    pattern=r"[0-9]{1,15}(-[0-9]{1,15})?(,[0-9]{1,15}(-[0-9]{1,15})?)*",
    maximum_length=20_000,
)
_SELECTION = {
    "name": SELECTION.name,
    "in": "query",
    "description": SELECTION.help,
    "schema": SELECTION.schema(),
}
_PICTURE_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}

# path, summary, media type, parameters
OTHER_ROUTES: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
    ("/stream.mjpg", "The live picture, as MJPEG. Aliases: /stream, /?action=stream", "multipart/x-mixed-replace", []),
    ("/snapshot.jpg", "One frame. Aliases: /snapshot, /?action=snapshot", "image/jpeg", [_MAX_AGE, _UPRIGHT]),
    ("/api/pictures/{id}.jpg", "A picture, as the camera made it", "image/jpeg", [_PICTURE_ID]),
    ("/api/pictures/{id}/thumbnail.jpg", "A picture, small", "image/jpeg", [_PICTURE_ID]),
    ("/api/pictures.zip", "Many pictures in one archive", "application/zip", [_SELECTION]),
    ("/api/events", "Server-Sent Events: state, controls, picture, pictures", "text/event-stream", []),
    ("/api/openapi.json", "This document", "application/json", []),
    ("/healthz", "200 while frames are fresh, else 503", "application/json", []),
    ("/metrics", "Metrics for Prometheus", "text/plain", []),
)


def document(commands: Mapping[str, Command]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for command in commands.values():
        declaration = command.declaration
        path = re.sub(r"<(\w+)>", r"{\1}", declaration.path)
        paths.setdefault(path, {})[declaration.method.lower()] = _operation(declaration)
    for path, summary, media_type, parameters in OTHER_ROUTES:
        name = re.sub(r"\W+", "_", path).strip("_")
        responses = {"200": {"description": summary, "content": {media_type: {}}}, **_errors()}
        paths.setdefault(path, {})["get"] = {
            "operationId": f"get_{name}",
            "summary": summary,
            "parameters": parameters,
            "responses": responses,
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Camera Appliance", "version": __version__, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _operation(declaration: Declaration) -> dict[str, Any]:
    in_path = re.findall(r"<(\w+)>", declaration.path)
    others = [parameter for parameter in declaration.parameters if parameter.name not in in_path]
    parameters = [
        {
            "name": parameter.name,
            "in": "path" if parameter.name in in_path else "query",
            "required": parameter.name in in_path,
            "schema": parameter.schema(),
        }
        for parameter in declaration.parameters
        if parameter.name in in_path or declaration.method in ("GET", "DELETE")
    ]
    operation: dict[str, Any] = {
        "operationId": declaration.name,
        "summary": declaration.help,
        "parameters": parameters,
        "responses": {
            str(declaration.status): {
                "description": "Success",
                "content": {"application/json": {"schema": _reference(declaration.result)}},
            },
            **_errors(),
        },
    }
    if declaration.method in ("POST", "PATCH", "PUT"):
        schema: dict[str, Any] = {
            "type": "object",
            "additionalProperties": _VALUE if declaration.free else False,
        }
        if not declaration.free:
            schema["properties"] = {parameter.name: parameter.schema() for parameter in others}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _errors() -> dict[str, Any]:
    return {
        "default": {
            "description": "What went wrong, and what would do",
            "content": {"application/json": {"schema": _reference("Error")}},
        }
    }
