"""Commands over HTTP: what they answer, and what bad input gets."""

import json
from pathlib import Path

import pytest

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera
from tests.simcam.controls import CONTROLS

STATE_KEYS = {
    "name",
    "version",
    "uptime",
    "time",
    "camera",
    "privacy",
    "format",
    "fps",
    "frame_age",
    "frames",
    "viewers",
    "max_viewers",
    "pictures",
    "disk_free",
    "mqtt",
    "temperature",
    "under_voltage",
}


def control(appliance: RunningAppliance, name: str) -> dict[str, object]:
    controls = appliance.ask("GET", "/api/controls").json["controls"]
    found: dict[str, object] = next(each for each in controls if each["name"] == name)
    return found


def test_the_state_holds_every_key_and_the_truth(shared: RunningAppliance) -> None:
    state = shared.state()
    assert set(state) == STATE_KEYS
    assert state["camera"]["state"] == "online"
    assert state["camera"]["device"].startswith("/dev/v4l/by-id/")
    assert state["camera"]["description"] == "Simulated UVC Camera"
    assert state["format"]["granted"] == {"width": 1280, "height": 720, "fps": 30.0, "pixel_format": "MJPG"}
    assert state["frame_age"] < 5
    assert state["mqtt"] == {"state": "off", "reason": None}


def test_every_control_of_the_device_is_listed_with_its_limits(shared: RunningAppliance) -> None:
    brightness = control(shared, "brightness")
    assert brightness == {
        "name": "brightness",
        "label": "Brightness",
        "kind": "integer",
        "group": "user",
        "value": 0,
        "default": 0,
        "minimum": -64,
        "maximum": 64,
        "step": 1,
        "choices": None,
        "unit": None,
        "inactive": False,
        "governed_by": None,
        "read_only": False,
    }
    frequency = control(shared, "power_line_frequency")
    assert frequency["kind"] == "menu"
    assert frequency["choices"] == [
        {"value": 0, "label": "Disabled"},
        {"value": 1, "label": "50 Hz"},
        {"value": 2, "label": "60 Hz"},
    ]
    # The menu of a real camera has gaps.
    exposure = control(shared, "auto_exposure")
    assert exposure["choices"] == [
        {"value": 1, "label": "Manual Mode"},
        {"value": 3, "label": "Aperture Priority Mode"},
    ]
    assert control(shared, "white_balance_temperature")["inactive"] is True
    assert control(shared, "white_balance_temperature")["unit"] == "K"
    assert control(shared, "white_balance_automatic")["kind"] == "boolean"
    assert control(shared, "focus_absolute")["group"] == "camera"


def test_a_governed_control_names_its_switch_active_or_not(shared: RunningAppliance) -> None:
    named = {each["name"]: each["governed_by"] for each in shared.ask("GET", "/api/controls").json["controls"]}
    held = {each.name: each.held_by[0] if each.held_by else None for each in CONTROLS}
    assert named == {name: held[name] for name in named}
    assert len([switch for switch in named.values() if switch]) == 3


def test_setting_controls_reaches_the_device_and_answers_what_it_reports(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    answer = watching.ask("PATCH", "/api/controls", {"brightness": 30, "power_line_frequency": "60 Hz"})
    assert answer.status == 200
    assert answer.json["values"]["brightness"] == 30
    assert answer.json["values"]["power_line_frequency"] == 2
    assert simcam.controls["brightness"] == 30
    assert simcam.controls["power_line_frequency"] == 2


def test_a_switch_and_what_depends_on_it_can_be_set_together_in_any_order(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    wishes = {"white_balance_temperature": 5000, "white_balance_automatic": False}
    assert watching.ask("PATCH", "/api/controls", wishes).status == 200
    assert simcam.controls["white_balance_temperature"] == 5000
    assert control(watching, "white_balance_temperature")["inactive"] is False


def test_a_change_refused_half_way_by_the_device_is_undone(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    """The focus stays automatic, so the device refuses the last value, when the first ones are already set."""
    wishes = {"white_balance_automatic": False, "brightness": 12, "focus_absolute": 50}
    answer = watching.ask("PATCH", "/api/controls", wishes)
    assert answer.status == 400
    code, message = answer.error
    assert code == "invalid_value"
    assert message.startswith("focus_absolute: ")
    assert simcam.controls["white_balance_automatic"]
    assert simcam.controls["brightness"] == 0


BAD_CONTROLS: list[tuple[object, str, list[str]]] = [
    ({"brightness": 65}, "invalid_value", ["brightness", "65", "from -64 to 64"]),
    ({"brightness": 1e400}, "invalid_request", ["JSON"]),
    ({"brightness": 10**400}, "invalid_value", ["brightness", "from -64 to 64"]),
    ({"brightness": 0.5}, "invalid_value", ["brightness", "0.5", "whole number"]),
    ({"brightness": "60"}, "invalid_value", ["brightness", '"60"', "whole number"]),
    ({"brightness": None}, "invalid_value", ["brightness", "null"]),
    ({"brightness": True}, "invalid_value", ["brightness", "true"]),
    ({"brightness": [1]}, "invalid_value", ["brightness", "[1]"]),
    ({"white_balance_automatic": "perhaps"}, "invalid_value", ["white_balance_automatic", "true or false"]),
    ({"white_balance_automatic": 2}, "invalid_value", ["white_balance_automatic", "2"]),
    ({"power_line_frequency": 9}, "invalid_value", ["power_line_frequency", "9", "1 (50 Hz)"]),
    ({"power_line_frequency": "55 Hz"}, "invalid_value", ["power_line_frequency", "55 Hz", "60 Hz"]),
    ({"auto_exposure": 2}, "invalid_value", ["auto_exposure", "Manual Mode"]),
    ({"brightnes": 1}, "unknown_name", ["brightnes", "did you mean brightness?"]),
    ({"x" * 5000: 1}, "unknown_name", ["there is no control"]),
    ({"": 1}, "unknown_name", ["there is no control"]),
    ({"privacy": True}, "invalid_value", ["privacy", "read-only"]),
    ({"white_balance_temperature": 5000}, "invalid_value", ["automatic mode", "white_balance_automatic"]),
    ({"brightness": 65, "contrast": "x"}, "invalid_value", ["brightness", "contrast"]),
    ({"brightness": 1, "contrast": 999}, "invalid_value", ["contrast"]),
    ([], "invalid_request", ["JSON object"]),
    ("brightness", "invalid_request", ["JSON object"]),
    (7, "invalid_request", ["JSON object"]),
]


@pytest.mark.parametrize(("body", "code", "words"), BAD_CONTROLS, ids=lambda value: str(value)[:40])
def test_bad_control_values_get_a_clear_error_and_change_nothing(
    shared: RunningAppliance, shared_simcam: SimulatedCamera, body: object, code: str, words: list[str]
) -> None:
    before = shared_simcam.controls
    raw = json.dumps(body).encode()
    answer = shared.ask("PATCH", "/api/controls", headers={"Content-Type": "application/json"}, raw=raw)
    assert answer.status == 400
    assert answer.error[0] == code
    for word in words:
        assert word in answer.error[1]
    assert shared_simcam.controls == before


BAD_BODIES = [
    (b"{", 400, "invalid_request"),
    (b'{"brightness": NaN}', 400, "invalid_request"),
    (b'{"brightness": Infinity}', 400, "invalid_request"),
    (b"\xff\xfe{}", 400, "invalid_request"),
    (b'{"brightness": "\xff"}', 400, "invalid_request"),
    (b"[" * 30000, 400, "invalid_request"),
    (b'{"a":' * 10000, 400, "invalid_request"),
    (b'{"brightness": ' + b"9" * 6000 + b"}", 400, "invalid_request"),
    (b" " * 70000, 413, "too_large"),
]


@pytest.mark.parametrize(("raw", "status", "code"), BAD_BODIES, ids=lambda value: str(value)[:30])
def test_a_body_that_is_no_json_object_is_refused_and_the_stream_goes_on(
    shared: RunningAppliance, raw: bytes, status: int, code: str
) -> None:
    answer = shared.ask("PATCH", "/api/controls", headers={"Content-Type": "application/json"}, raw=raw)
    assert (answer.status, answer.error[0]) == (status, code)
    assert "Traceback" not in answer.body.decode()
    assert shared.ask("GET", "/healthz").status == 200


def test_a_body_in_chunks_is_refused_not_taken_for_an_empty_one(shared: RunningAppliance) -> None:
    head = "POST /api/pictures HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with shared.connect() as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"Content-Length" in answer.partition(b"\r\n\r\n")[2]


def test_a_body_of_another_type_is_refused_with_the_type_that_would_do(shared: RunningAppliance) -> None:
    answer = shared.ask("PATCH", "/api/controls", headers={"Content-Type": "text/plain"}, raw=b"{}")
    assert answer.status == 415
    assert "application/json" in answer.error[1]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/api/nothing", None, 404, "/api/nothing"),
        ("GET", "/%ff%fe", None, 404, ""),
        ("GET", "/api/pictures?limit=%ff", None, 400, "UTF-8"),
        ("DELETE", "/api/pictures/1?x=%ff", None, 400, "UTF-8"),
        ("DELETE", "/api/pictures/1?force=1", None, 400, "no argument"),
        ("GET", "/web/../setup.py", None, 404, ""),
        ("GET", "/web/%2e%2e/setup.py", None, 404, ""),
        ("GET", "/web/..%2fsetup.py", None, 404, ""),
        ("GET", "/web//etc/passwd", None, 404, ""),
        ("POST", "/api/state", {}, 405, "POST"),
        ("DELETE", "/api/controls", None, 405, "DELETE"),
        ("GET", "/api/pictures?limit=0", None, 400, "limit"),
        ("GET", "/api/pictures?limit=501", None, 400, "from 1 to 500"),
        ("GET", "/api/pictures?limit=many", None, 400, '"many"'),
        ("PATCH", "/api/format", {"width": 0}, 400, "from 16 to 8192"),
        ("PATCH", "/api/format", {"width": "wide"}, 400, "width"),
        ("PATCH", "/api/format", {"fps": 1000}, 400, "fps"),
        ("PATCH", "/api/format", {"pixel_format": "MJPEG2"}, 400, "pixel_format"),
        ("PATCH", "/api/format", {"colour": "red"}, 400, "accepted: width"),
        ("POST", "/api/controls/reset", {"names": "brightness"}, 400, "list"),
        ("POST", "/api/controls/reset", {"names": ["brightnes"]}, 400, "did you mean brightness?"),
        ("POST", "/api/controls/reset", {"names": [1]}, 400, "names"),
        ("POST", "/api/pictures", {"name": "../x.jpg"}, 400, "no argument"),
    ],
)
def test_impossible_requests_are_refused_with_a_reason(
    shared: RunningAppliance, method: str, path: str, body: object, status: int, words: str
) -> None:
    answer = shared.ask(method, path, body)
    assert answer.status == status
    assert words in answer.error[1]


def test_reset_gives_the_defaults_back_also_behind_a_switch(
    watching: RunningAppliance, simcam: SimulatedCamera
) -> None:
    wishes = {"brightness": 30, "white_balance_automatic": False, "white_balance_temperature": 6000, "contrast": 1}
    watching.ask("PATCH", "/api/controls", wishes)
    watching.ask("POST", "/api/controls/reset", {"names": ["brightness"]})
    assert simcam.controls["brightness"] == 0
    assert simcam.controls["contrast"] == 1
    assert watching.ask("POST", "/api/controls/reset").status == 200
    assert simcam.controls["contrast"] == 32
    assert simcam.controls["white_balance_automatic"]
    assert simcam.controls["white_balance_temperature"] == 4600


def test_control_values_survive_a_restart_the_switches_first(tmp_path: Path, simcam: SimulatedCamera) -> None:
    appliance = RunningAppliance(tmp_path, "auto", simcam.environment)
    with appliance:
        appliance.until_live()
        appliance.ask("PATCH", "/api/controls", {"white_balance_automatic": False, "white_balance_temperature": 3000})
        appliance.ask("PATCH", "/api/controls", {"brightness": -20})
    simcam.unplug()
    simcam.plug()
    assert simcam.controls["brightness"] == 0, "a camera forgets its controls at a replug"
    with appliance:
        appliance.until_live()
        assert simcam.controls["brightness"] == -20
        assert not simcam.controls["white_balance_automatic"]
        assert simcam.controls["white_balance_temperature"] == 3000


def test_a_fractional_value_is_described_set_kept_and_reset(tmp_path: Path) -> None:
    with RunningAppliance(tmp_path) as appliance:
        gamma = control(appliance.until_live(), "gamma")
        assert {key: gamma[key] for key in ("kind", "value", "default", "minimum", "maximum", "step")} == {
            "kind": "number",
            "value": 1.0,
            "default": 1.0,
            "minimum": 0.2,
            "maximum": 3.0,
            "step": 0.1,
        }
        answer = appliance.ask("PATCH", "/api/controls", {"gamma": 1.85})
        assert (answer.status, answer.json["values"]["gamma"]) == (200, 1.85)
        appliance.stop()
        appliance.start()
        assert control(appliance.until_live(), "gamma")["value"] == 1.85
        assert "not 1.85 as set" not in appliance.log
        assert appliance.ask("POST", "/api/controls/reset", {"names": ["gamma"]}).json["values"]["gamma"] == 1.0


def test_the_format_changes_while_running_and_survives_a_restart(tmp_path: Path, simcam: SimulatedCamera) -> None:
    appliance = RunningAppliance(tmp_path, "auto", simcam.environment)
    with appliance:
        appliance.until_live()
        report = appliance.ask("PATCH", "/api/format", {"width": 640, "height": 480, "fps": 15}).json
        assert report["granted"] == {"width": 640, "height": 480, "fps": 15.0, "pixel_format": "MJPG"}
        assert {each["pixel_format"] for each in report["available"]} == {"MJPG", "YUYV"}
    with appliance:
        assert appliance.until_live().state()["format"]["granted"]["width"] == 640


def test_granted_may_differ_from_requested_and_both_are_told(watching: RunningAppliance) -> None:
    report = watching.ask("PATCH", "/api/format", {"width": 1000, "height": 700}).json
    assert (report["requested"]["width"], report["requested"]["height"]) == (1000, 700)
    granted = (report["granted"]["width"], report["granted"]["height"])
    assert granted in ((640, 480), (1280, 720))


def test_an_unsupported_pixel_format_is_refused_and_the_old_one_stays(watching: RunningAppliance) -> None:
    answer = watching.ask("PATCH", "/api/format", {"pixel_format": "NV12"})
    assert answer.status == 400
    assert "only MJPG, YUYV" in answer.error[1]
    watching.until_live()
    assert watching.state()["format"]["requested"]["pixel_format"] == "auto"
    assert watching.ask("GET", "/snapshot.jpg").status == 200


def test_without_a_camera_commands_say_why(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    simcam.unplug()
    eventually(lambda: watching.state()["camera"]["state"] == "lost", "a lost camera")
    for method, path, body in (
        ("GET", "/api/controls", None),
        ("PATCH", "/api/controls", {"brightness": 1}),
        ("PATCH", "/api/format", {"width": 640}),
        ("POST", "/api/pictures", None),
    ):
        answer = watching.ask(method, path, body)
        assert answer.status == 503, path
        assert answer.error[0] == "camera_unavailable"
        assert "camera" in answer.error[1]


def test_openapi_names_every_command_and_answers_match_its_schema(shared: RunningAppliance) -> None:
    document = shared.ask("GET", "/api/openapi.json").json
    operations = {
        operation["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for name, where in {
        "get_state": ("get", "/api/state"),
        "get_controls": ("get", "/api/controls"),
        "set_controls": ("patch", "/api/controls"),
        "reset_controls": ("post", "/api/controls/reset"),
        "get_format": ("get", "/api/format"),
        "set_format": ("patch", "/api/format"),
        "set_privacy": ("put", "/api/privacy"),
        "take_picture": ("post", "/api/pictures"),
        "list_pictures": ("get", "/api/pictures"),
        "get_picture": ("get", "/api/pictures/{id}"),
        "delete_picture": ("delete", "/api/pictures/{id}"),
    }.items():
        assert operations[name] == where
    required = document["components"]["schemas"]["State"]["required"]
    assert set(required) == set(shared.state())


def test_metrics_are_what_prometheus_reads(shared: RunningAppliance) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    answer = shared.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    assert families["camera_appliance_camera_online"].samples[0].value == 1
    assert families["camera_appliance_frames_captured"].samples[0].value > 0
    assert "camera_appliance_frames_per_second" in families


def test_every_answer_forbids_what_a_page_of_strangers_could_do(shared: RunningAppliance) -> None:
    for path in ("/", "/api/state", "/api/nothing", "/snapshot.jpg", "/web/style.css"):
        headers = shared.ask("GET", path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'"), path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers
