"""The OpenAPI document, generated from the commands and the routes that are not commands."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from appliance import __version__
from appliance.commands import Command, Declaration, Right
from appliance.errors import meaning
from appliance.facts import Fact, schema
from appliance.http.aliases import ALIASES
from appliance.http.errors import CrossSite, LoginRequired, NotPermitted, TooManyRequests, UnknownHost
from appliance.http.routes import API, Route
from appliance.parameters import Parameter
from appliance.service.pictures import PICTURE_SCHEMA

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
        governed_by=_NULLABLE_TEXT,
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
    "Picture": PICTURE_SCHEMA,
    "PicturePage": _object(
        pictures={"type": "array", "items": _reference("Picture")},
        total=_INTEGER,
        next={"type": ["integer", "null"]},
    ),
    "Privacy": _object(privacy=_BOOLEAN),
    "DeletedPicture": _object(deleted=_reference("Picture"), restorable=_NUMBER),
    "DeletedPictures": _object(deleted={"type": "array", "items": _INTEGER}, restorable=_NUMBER),
    "RestoredPictures": _object(restored={"type": "array", "items": _INTEGER}),
    "Access": _object(
        user=_NULLABLE_TEXT,
        rights={"type": "array", "items": {"enum": ["view", "control"]}},
        users={"type": "array", "items": _TEXT},
    ),
}

# A token in the address may not change anything.
_SECURITY_SCHEMES = {
    "password": {"type": "http", "scheme": "basic", "description": "User `admin`, or `viewer` for the right to view."},
    "token": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "camera-appliance-NAME",
        "description": "Set by the login page; NAME is the name of the camera.",
    },
    "address": {"type": "apiKey", "in": "query", "name": "token", "description": "Grants only the right to view."},
}
_SECURITY: dict[Right | None, list[dict[str, list[str]]]] = {
    None: [],
    "view": [{"token": []}, {"password": []}, {"session": []}, {"address": []}],
    "control": [{"token": []}, {"password": []}, {"session": []}],
}


def schemas(facts: Iterable[Fact]) -> dict[str, Any]:
    """Return the schemas of all results of commands, by name."""
    state = schema(facts)
    health = {
        "type": "object",
        "properties": {
            "ok": _BOOLEAN,
            "camera": state["properties"]["camera"]["properties"]["state"],
            "frame_age": _NULLABLE_NUMBER,
            "fps": _NULLABLE_NUMBER,
        },
        "required": ["ok"],
    }
    return {**SCHEMAS, "State": state, "Health": health}


def document(commands: Mapping[str, Command], facts: Iterable[Fact]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for command in commands.values():
        declaration = command.declaration
        path = re.sub(r"<(\w+)>", r"{\1}", declaration.path)
        paths.setdefault(path, {})[declaration.method.lower()] = _operation(declaration)
    for route in API:
        name = re.sub(r"\W+", "_", route.path).strip("_")
        if f"get_{name}" in commands:  # /state is not /api/state
            name = f"{name}_of_ustreamer"
        paths.setdefault(route.path, {})[route.method.lower()] = _other_operation(route, f"get_{name}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Camera Appliance", "version": __version__, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {"schemas": schemas(facts), "securitySchemes": _SECURITY_SCHEMES},
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
        "security": _SECURITY[declaration.right],
        "responses": {
            str(declaration.status): {
                "description": "Success",
                "content": {"application/json": {"schema": declaration.result_schema}},
            },
            **_errors(declaration.right),
        },
    }
    if declaration.method in ("POST", "PATCH", "PUT"):
        schema: dict[str, Any] = {
            "type": "object",
            "additionalProperties": _VALUE if declaration.free else False,
        }
        if not declaration.free:
            schema["properties"] = {parameter.name: parameter.schema() for parameter in others}
        required = [parameter.name for parameter in others if parameter.required]
        if required:
            schema["required"] = required
        operation["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": schema}}}
    return operation


def _other_operation(route: Route, name: str) -> dict[str, Any]:
    content = {route.media_type: {"schema": _reference(route.schema)} if route.schema else {}}
    errors = _errors(route.right)
    if route.shows_errors:
        errors["default"]["content"][route.media_type] = {}
    also = [alias.path for alias in ALIASES if alias.target == route.path]
    return {
        "operationId": name,
        "summary": route.summary,
        **({"description": f"Also at {', '.join(also)}."} if also else {}),
        "parameters": [_other_parameter(route, each) for each in route.parameters],
        "security": _SECURITY[route.right],
        "responses": {"200": {"description": route.summary, "content": content}, **errors},
    }


def _other_parameter(route: Route, parameter: Parameter) -> dict[str, Any]:
    if f"{{{parameter.name}}}" in route.path:
        return {"name": parameter.name, "in": "path", "required": True, "schema": parameter.schema()}
    described = {"name": parameter.name, "in": "query", "description": parameter.help, "schema": parameter.schema()}
    if route.lenient:  # any text is accepted
        described["description"] = f"{parameter.help} Accepted: {parameter.accepted()}; anything else has no effect."
        described["schema"] = {}
    return described


def _errors(right: Right | None) -> dict[str, Any]:
    """Return the error responses: those about access by status, all others as `default`."""
    refusals = {
        str(UnknownHost.status): meaning(UnknownHost),
        "default": "Any other error; its message gives the cause",
    }
    if right:
        others = (LoginRequired, TooManyRequests, NotPermitted)
        refusals |= {str(kind.status): meaning(kind) for kind in others}
        refusals[str(CrossSite.status)] += f". Or: {meaning(CrossSite)}"
    return {
        status: {"description": words, "content": {"application/json": {"schema": _reference("Error")}}}
        for status, words in sorted(refusals.items())
    }
