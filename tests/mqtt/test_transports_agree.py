"""One table of commands, good and bad: HTTP and MQTT give the same result, or refuse in the same words.

The only word that may differ is what the arguments came in: a body there, a payload here.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from appliance.declared import COMMANDS
from tests.mqtt.client import Client
from tests.running import Answer, RunningAppliance

ROUTES = {each.name: (each.method, each.path) for each in COMMANDS}
HUGE = "9" * 4000


@dataclass(frozen=True)
class Row:
    """A command with arguments (bytes are sent as they are), and the code of the error or a part of the result."""

    command: str
    arguments: Any
    code: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    says: str = ""

    @property
    def id(self) -> str:
        return f"{self.command} {self.arguments!r}"[:60]


def good(arguments: Any, **values: Any) -> Row:
    return Row("set_controls", arguments, values=values)


def bad(arguments: Any, code: str = "invalid_value", says: str = "", command: str = "set_controls") -> Row:
    return Row(command, arguments, code, says=says)


GOOD = [
    Row("set_privacy", {"on": False}, result={"privacy": False}),
    Row("set_privacy", {"on": "off"}, result={"privacy": False}),
    good({}),
    good(b""),
    good(b" \n"),
    good({"brightness": 60}, brightness=60),
    good({"brightness": -100}, brightness=-100),
    good({"brightness": 100}, brightness=100),
    good({"brightness": 60.0}, brightness=60),
    good(b'{"brightness": 6e1}', brightness=60),
    good(b'{"brightness": 1, "brightness": 2}', brightness=2),
    good(b'\xef\xbb\xbf{"brightness": 3}', brightness=3),
    good({"gamma": 1.8}, gamma=1.8),
    good({"gamma": 2}, gamma=2.0),
    good({"gamma": 0.25}, gamma=0.25),
    good({"horizontal_flip": True}, horizontal_flip=True),
    good({"horizontal_flip": 1}, horizontal_flip=True),
    good({"horizontal_flip": "ON"}, horizontal_flip=True),
    good({"test_pattern": 1}, test_pattern=1),
    good({"test_pattern": "Colour bars"}, test_pattern=1),
    good({"test_pattern": "2"}, test_pattern=2),
    good(
        {"white_balance_temperature": 3000, "white_balance_automatic": False},
        white_balance_temperature=3000,
        white_balance_automatic=False,
    ),
    Row("get_controls", {}),
    Row("get_format", {}, result={"requested": {"width": 640, "height": 480, "fps": 60.0, "pixel_format": "auto"}}),
    Row("set_format", {}),
    Row("set_format", {"width": 320, "height": 240, "fps": 10}),
    Row("set_format", {"pixel_format": "MJPG"}),
    Row("reset_controls", {}),
    Row("reset_controls", b""),
    Row("reset_controls", {"names": []}),
    Row("reset_controls", {"names": ["brightness", "contrast"]}),
    Row("list_pictures", {}, result={"total": 2}),
    Row("list_pictures", {"limit": 1}, result={"total": 2}),
    Row("list_pictures", {"limit": 500, "before": 1}, result={"pictures": [], "next": None}),
    Row("get_picture", {"id": 1}, result={"id": 1, "width": 640, "height": 480}),
    Row("delete_pictures", {"ids": []}, result={"deleted": []}),
    Row("delete_pictures", {"ids": [999]}, result={"deleted": [], "restorable": 60.0}),
    Row("restore_pictures", {"ids": [1, 999]}, result={"restored": []}),
]
VARYING = [Row("get_state", {}), Row("restart_camera", {}), Row("take_picture", {}), Row("take_picture", b"")]
BAD = [
    bad({"on": "perhaps"}, says='on: "perhaps" is not true or false', command="set_privacy"),
    bad({"on": None}, command="set_privacy"),
    bad({}, says="on: is missing; true or false", command="set_privacy"),
    # the value
    bad({"brightness": 101}, says="brightness: 101 is not a whole number from -100 to 100"),
    bad({"brightness": -101}),
    bad({"brightness": 60.5}),
    bad({"brightness": "60"}),
    bad({"brightness": ""}),
    bad({"brightness": True}),
    bad({"brightness": None}),
    bad({"brightness": [60]}),
    bad({"brightness": {"value": 60}}),
    bad({"brightness": "x" * 60_000}),
    bad(b'{"brightness": 1e400}'),
    bad(b'{"brightness": -1e400}'),
    bad(b'{"brightness": ' + HUGE.encode() + b"}"),
    bad(b'{"brightness": "\\ud800"}'),
    bad({"gamma": 0.1}, says="gamma: 0.1 is not a number from 0.2 to 3"),
    bad({"gamma": 3.01}),
    bad({"gamma": "1.8"}),
    bad({"gamma": True}),
    bad({"gamma": None}),
    bad(b'{"gamma": NaN}', "invalid_request"),
    bad({"horizontal_flip": 2}),
    bad({"horizontal_flip": "maybe"}),
    bad({"test_pattern": 3}),
    bad({"test_pattern": "Colour"}),
    bad({"test_pattern": True}),
    bad({"white_balance_temperature": 3000}, says="change white_balance_automatic first"),
    bad({"brightness": 60, "contrast": 999}, says="contrast: 999 is not"),
    bad({"brightness": 999, "contrast": 999}, says="; contrast: 999"),
    # the name
    bad({"brightnes": 60}, "unknown_name", 'there is no control "brightnes" (did you mean brightness?)'),
    bad({"": 60}, "unknown_name"),
    bad({"brightness\0": 60}, "unknown_name"),
    bad({"ä\n": 60}, "unknown_name"),
    bad(b'{"\\ud800": 60}', "unknown_name"),
    bad({"brightness": 60, "nothing": 1}, "unknown_name"),
    bad({f"x{number}": 1 for number in range(50)}, "unknown_name"),
    bad({"x": 1}, "unknown_name", "none is accepted", "take_picture"),
    bad({"now": True}, "unknown_name", "none is accepted", "restart_camera"),
    bad({"name": ["brightness"]}, "unknown_name", "did you mean names?", "reset_controls"),
    bad({"names": ["brightness", "nope"]}, "unknown_name", 'there is no control "nope"', "reset_controls"),
    bad({"names": "brightness"}, command="reset_controls", says="is not a list"),
    bad({"names": None}, command="reset_controls"),
    bad({"names": [1]}, command="reset_controls"),
    bad({"with": 320}, "unknown_name", "did you mean width?", "set_format"),
    bad({"width": 15}, command="set_format"),
    bad({"width": "640"}, command="set_format"),
    bad({"width": None}, command="set_format"),
    bad({"width": 320, "height": 1e9}, command="set_format"),
    bad({"fps": 0}, command="set_format"),
    bad({"fps": 241}, command="set_format"),
    bad(b'{"fps": 1e400}', command="set_format"),
    bad(b'{"fps": ' + HUGE.encode() + b"}", command="set_format"),
    bad({"pixel_format": "JPEGX"}, command="set_format"),
    bad({"pixel_format": 5}, command="set_format"),
    bad({"limit": 0}, command="list_pictures"),
    bad({"limit": 501}, command="list_pictures"),
    bad({"limit": "many"}, command="list_pictures"),
    bad({"before": 0}, command="list_pictures"),
    bad({"id": 999}, "not_found", "there is no picture 999", "get_picture"),
    bad({"id": 999}, "not_found", "there is no picture 999", "delete_picture"),
    bad({"id": 999}, "not_found", "picture 999 cannot be restored", "restore_picture"),
    bad({}, says="ids: is missing", command="delete_pictures"),
    bad({"ids": 1}, says="ids: 1 is not a list", command="delete_pictures"),
    bad({"ids": ["all"]}, command="delete_pictures"),
    bad({"ids": [0]}, command="restore_pictures"),
    # the object
    bad(b"null", "invalid_request"),
    bad(b"true", "invalid_request"),
    bad(b"60", "invalid_request"),
    bad(b'"brightness"', "invalid_request"),
    bad(b"[]", "invalid_request"),
    bad(b'[{"brightness": 60}]', "invalid_request"),
    # the JSON
    bad(b"{", "invalid_request", "not valid JSON"),
    bad(b"brightness=60", "invalid_request", "not valid JSON"),
    bad(b'{"brightness": 60,}', "invalid_request", "not valid JSON"),
    bad(b"{'brightness': 60}", "invalid_request", "not valid JSON"),
    bad(b'{"brightness": 60} {}', "invalid_request", "not valid JSON"),
    bad(b'{"brightness": NaN}', "invalid_request", "NaN is not JSON"),
    bad(b'{"brightness": Infinity}', "invalid_request"),
    bad(b'{"brightness": -Infinity}', "invalid_request"),
    bad(b'{"brightness": ' + b"9" * 5000 + b"}", "invalid_request"),
    bad(b"\xff\xff", "invalid_request"),
    bad(b'{"brightness": "\xff"}', "invalid_request"),
    bad(b'{"bright\xc3\x28": 1}', "invalid_request"),
    bad(b"[" * 30_000, "invalid_request"),
    bad(b'{"a":' * 10_000, "invalid_request"),
    bad(b"\0", "invalid_request"),
    # the size
    bad(b"[" * 100_000, "too_large"),
    bad(b" " * 65_537, "too_large"),
]

# Programs append such names to an address against caches, so a GET passes them over.
PASSED_OVER_IN_A_GET = [
    bad({"limt": 1}, "unknown_name", "did you mean limit?", "list_pictures"),
    bad({"x": 1}, "unknown_name", "none is accepted", "get_state"),
    bad({"x": 1}, "unknown_name", "none is accepted", "get_controls"),
    bad({"x": 1}, "unknown_name", "none is accepted", "get_format"),
]


@dataclass(frozen=True)
class Outcome:
    """What came of a command: a result, or code and message of the error."""

    result: Any = None
    error: tuple[str, str] | None = None


def over_http(appliance: RunningAppliance, row: Row) -> Outcome:
    method, path = ROUTES[row.command]
    arguments = row.arguments
    if isinstance(arguments, dict):
        path = re.sub(r"<(\w+)>", lambda match: str(arguments[match[1]]), path)
    answer: Answer
    if method in ("GET", "DELETE"):
        query = {name: value for name, value in arguments.items() if f"<{name}>" not in ROUTES[row.command][1]}
        answer = appliance.ask(method, f"{path}?{urlencode(query)}")
    else:
        raw = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
        answer = appliance.ask(method, path, raw=raw, headers={"Content-Type": "application/json"})
    if answer.status >= 400:
        code, message = answer.error
        return Outcome(error=(code, message.replace("the body", "the payload")))
    return Outcome(answer.json)


def over_mqtt(client: Client, row: Row) -> Outcome:
    payload = row.arguments if isinstance(row.arguments, bytes) else json.dumps(row.arguments)
    answer = client.ask(f"command/{row.command}", payload)
    if answer["ok"]:
        return Outcome(answer["result"])
    return Outcome(error=(answer["error"]["code"], answer["error"]["message"]))


def everything(appliance: RunningAppliance) -> tuple[object, ...]:
    """Return all that a command can change."""
    return tuple(appliance.ask("GET", path).json for path in ("/api/controls", "/api/format", "/api/pictures"))


@pytest.fixture
def two_pictures(appliance: RunningAppliance) -> None:
    while appliance.state()["pictures"] < 2:
        assert appliance.ask("POST", "/api/pictures").status == 201


@pytest.mark.parametrize("row", PASSED_OVER_IN_A_GET, ids=lambda row: row.id)
def test_an_unknown_name_is_refused_unless_it_is_in_an_address(
    appliance: RunningAppliance, client: Client, row: Row
) -> None:
    assert over_http(appliance, row).error is None
    error = over_mqtt(client, row).error
    assert error is not None
    assert (error[0], row.says in error[1]) == (row.code, True)


def test_every_command_has_a_row(appliance: RunningAppliance) -> None:
    assert {row.command for row in GOOD + VARYING + BAD} == set(ROUTES)
    paths = appliance.ask("GET", "/api/openapi.json").json["paths"].values()
    assert set(ROUTES) <= {operation["operationId"] for path in paths for operation in path.values()}


@pytest.mark.usefixtures("two_pictures")
@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.id)
def test_valid_commands_have_the_same_result(appliance: RunningAppliance, client: Client, row: Row) -> None:
    over = [over_http(appliance, row)]
    over.append(over_mqtt(client, row))
    for outcome in over:
        assert outcome.error is None
        assert row.result.items() <= outcome.result.items()
        assert row.values.items() <= outcome.result.get("values", {}).items()
    assert over[0] == over[1]


@pytest.mark.parametrize("row", VARYING, ids=lambda row: row.id)
def test_results_that_differ_each_time_have_the_same_form(
    appliance: RunningAppliance, client: Client, row: Row
) -> None:
    http, mqtt = over_http(appliance, row), over_mqtt(client, row)
    assert http.error is mqtt.error is None
    assert {name: type(value) for name, value in http.result.items()} == {
        name: type(value) for name, value in mqtt.result.items()
    }


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.id)
def test_invalid_commands_are_refused_alike_and_change_nothing(
    appliance: RunningAppliance, client: Client, row: Row
) -> None:
    before = everything(appliance)
    http, mqtt = over_http(appliance, row), over_mqtt(client, row)
    assert http.error is not None
    assert http.error[0] == row.code
    assert row.says in http.error[1]
    assert mqtt == http
    assert everything(appliance) == before


def test_an_argument_that_http_has_in_the_path_may_not_be_missing(appliance: RunningAppliance, client: Client) -> None:
    error = ("invalid_value", "id: is missing; a whole number of at least 1")
    assert over_mqtt(client, Row("get_picture", {})).error == error
