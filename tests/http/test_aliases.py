"""The addresses that programs try by default: each is the stream or a snapshot, whatever is appended to it."""

import re

import pytest

from appliance.http.aliases import ALIASES, SNAPSHOT, STREAM, paths
from tests.http.conftest import TOKEN, VIEWER_TOKEN
from tests.running import RunningAppliance
from tests.streaming import Viewer

STREAMS = [*paths(STREAM), "/webcam", "/webcam/"]
STREAMS += [f"{path}?action={action}" for path in ("/", "/webcam", "/webcam/") for action in ("stream", "stream_0")]
SNAPSHOTS = paths(SNAPSHOT)
SNAPSHOTS += [
    f"{path}?action={action}" for path in ("/", "/webcam", "/webcam/") for action in ("snapshot", "snapshot_0")
]

NAMED_BY_THE_ISSUE = [
    *("/stream/", "/snapshot/", "/?action=stream_0", "/?action=snapshot_0", "/video", "/webcam/?action=stream"),
    *("/webcam/?action=snapshot", "/cam.mjpg", "/mjpeg", "/api/frame.jpeg"),
]
APPENDED = [
    "_=1732800000",
    "t=1732800000.5",
    "cacheBust=0.123",
    "n=7",
    "src=camera",
    "x=%ff",
    "%ff=1",
    "=",
    "&&",
    "?123",
]


def with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def test_the_table_names_each_path_once_and_no_other_route() -> None:
    names = [alias.path for alias in ALIASES]
    assert len(set(names)) == len(names)
    assert {alias.target for alias in ALIASES} == {STREAM, SNAPSHOT}
    assert set(NAMED_BY_THE_ISSUE) <= {*STREAMS, *SNAPSHOTS}


@pytest.mark.parametrize("path", STREAMS)
def test_every_address_of_the_stream_gives_frames(shared: RunningAppliance, path: str) -> None:
    with Viewer(shared, path) as viewer:
        viewer.begin()
        assert viewer.headers["content-type"] == "multipart/x-mixed-replace;boundary=frame"
        assert viewer.part().is_live
    head = shared.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"].startswith("multipart/x-mixed-replace")


@pytest.mark.parametrize("path", SNAPSHOTS)
def test_every_address_of_a_snapshot_gives_a_frame(shared: RunningAppliance, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = shared.ask(method, path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert int(answer.headers["Content-Length"]) > 1000
        assert answer.body.startswith(b"\xff\xd8" if method == "GET" else b"")


@pytest.mark.parametrize("appended", APPENDED)
@pytest.mark.parametrize("path", ["/stream", "/?action=stream", "/snapshot", "/?action=snapshot", "/webcam/"])
def test_parameters_against_caches_change_nothing(shared: RunningAppliance, path: str, appended: str) -> None:
    assert shared.ask("HEAD", with_query(path, appended)).status == 200


@pytest.mark.parametrize("action", ["stream?1732800000", "snapshot?t=5"])
def test_a_query_that_is_appended_with_a_second_question_mark_is_one(shared: RunningAppliance, action: str) -> None:
    media_type = shared.ask("HEAD", f"/?action={action}").headers["Content-Type"]
    assert media_type.startswith("multipart/" if action.startswith("stream") else "image/jpeg")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("stream_1", "the only one is number 0: ?action=stream_0"),
        ("snapshot_27", "the only one is number 0: ?action=snapshot_0"),
        ("stream_" + "9" * 6000, "there is no camera 99999999999999999999;"),
        ("take", "POST /api/pictures"),
        ("command", "PATCH /api/controls"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/webcam/"])
def test_other_cameras_and_changing_actions_are_refused_with_a_reason(
    shared: RunningAppliance, path: str, action: str, words: str
) -> None:
    before = shared.stored()
    answer = shared.ask("GET", f"{path}?action={action}")
    assert (answer.status, answer.error[0]) == (404, "not_found")
    assert words in answer.error[1]
    assert shared.stored() == before


@pytest.mark.parametrize("action", ["", "unknown", "streams", "snapshot_x", "STREAM", "%ff"])
def test_an_action_that_says_nothing_leaves_the_page_as_it_is(shared: RunningAppliance, action: str) -> None:
    answer = shared.ask("GET", f"/?action={action}")
    assert answer.status == 200
    assert b"<!doctype html>" in answer.body.lower()


@pytest.mark.parametrize("token", [VIEWER_TOKEN, TOKEN])
@pytest.mark.parametrize("path", ["/?action=stream", "/webcam/?action=stream", "/video", "/mjpeg/1/", "/cam.mjpg"])
def test_a_token_in_the_address_opens_every_address_of_the_stream(
    protected: RunningAppliance, path: str, token: str
) -> None:
    address = "10.204.0.1"
    with Viewer(protected, with_query(path, f"token={token}"), address=address) as viewer:
        assert viewer.begin().part().is_live
    with Viewer(protected, path, address=address) as viewer:
        assert viewer.head().status == 401


def test_openapi_lists_the_addresses(shared: RunningAppliance) -> None:
    described = shared.ask("GET", "/api/openapi.json").json["paths"]
    for alias in ALIASES:
        assert re.search(rf"{re.escape(alias.path)}[,.]", described[alias.target]["get"]["description"])


# ---------------------------------------------------------------------- queries


COMMANDS = [
    "/api/state",
    "/api/controls",
    "/api/format",
    "/api/pictures",
    "/healthz",
    "/metrics",
    "/state",
    "/api/access",
]


@pytest.mark.parametrize("path", [*COMMANDS, "/", "/web/style.css", "/manifest.webmanifest", "/api/openapi.json"])
@pytest.mark.parametrize("appended", APPENDED)
def test_unknown_parameters_are_ignored_on_every_get(shared: RunningAppliance, path: str, appended: str) -> None:
    assert shared.ask("GET", f"{path}?{appended}").status == 200


@pytest.mark.parametrize(
    "query",
    [
        *("fps=abc", "fps=-1", "fps=0", "fps=1e9", "fps=nan", "fps=", "fps=%ff", "fps[]=5", "fps=5,5"),
        *("zero_data=perhaps", "extra_headers=2", "key=" + 200 * "k", "key=%ff"),
    ],
)
def test_a_senseless_wish_leaves_the_stream_as_it_is(shared: RunningAppliance, query: str) -> None:
    with Viewer(shared, f"/stream?{query}") as viewer:
        viewer.begin()
        assert viewer.part().jpeg.startswith(b"\xff\xd8")
        assert "x-ustreamer-online" not in viewer.part().headers


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/pictures?limit=abc", "limit"),
        ("/api/pictures?limit=0&_=1", "limit"),
        ("/api/pictures?before=-1", "before"),
        ("/api/pictures?limit=%ff", "UTF-8"),
        ("/api/pictures.zip?ids=x", "ids"),
    ],
)
def test_a_wrong_value_of_a_command_is_still_refused(shared: RunningAppliance, path: str, words: str) -> None:
    answer = shared.ask("GET", path)
    assert answer.status == 400
    assert words in answer.error[1]
