"""What is compressed, for whom, and what never is."""

import gzip
import json

import pytest

from tests.running import RunningAppliance
from tests.streaming import Viewer

TEXTS = ["/api/state", "/api/controls", "/api/format", "/api/openapi.json", "/metrics"]
TAKEN = [
    "gzip",
    "GZIP",
    "x-gzip",
    "gzip, deflate, br",
    "gzip;q=0.1",
    "deflate, gzip ; q = 0.5",
    "*",
    "identity;q=0, *",
    "gzip;q=x",
]
NOT_TAKEN = ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "gzip;q=0.0, *", "*;q=0", "gzip;q=-1", "\xff", ",;,"]


@pytest.mark.parametrize("path", TEXTS)
def test_texts_are_small_for_clients_that_take_gzip(shared: RunningAppliance, path: str) -> None:
    plain = shared.ask("GET", path)
    packed = shared.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    assert plain.headers["Content-Encoding"] is None
    assert len(plain.body) > 500
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) * 0.7
    assert int(packed.headers["Content-Length"]) == len(packed.body)
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers.get_all("Vary", [])
    text = gzip.decompress(packed.body).decode()
    assert text.startswith("#") if path == "/metrics" else set(json.loads(text)) == set(plain.json)
    head = shared.ask("HEAD", path, headers={"Accept-Encoding": "gzip"})
    assert (head.status, head.body, head.headers["Content-Encoding"]) == (200, b"", "gzip")


@pytest.mark.parametrize("accepted", TAKEN)
def test_every_way_to_say_that_gzip_is_taken_is_understood(shared: RunningAppliance, accepted: str) -> None:
    for path in ("/api/openapi.json", "/web/app.js"):
        answer = shared.ask("GET", path, headers={"Accept-Encoding": accepted})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.body)


@pytest.mark.parametrize("accepted", NOT_TAKEN)
def test_nothing_is_compressed_for_clients_that_do_not_take_it(shared: RunningAppliance, accepted: str) -> None:
    for path in ("/api/openapi.json", "/web/app.js"):
        answer = shared.ask("GET", path, headers={"Accept-Encoding": accepted})
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, None)
        assert answer.body[:1] in b"{i/"


def test_small_answers_and_pictures_are_not_compressed(running: RunningAppliance) -> None:
    picture = running.ask("POST", "/api/pictures").json
    running.ask("POST", "/api/pictures")
    small = ["/healthz", "/api/access", "/state", "/api/pictures/1", "/api/nothing"]
    for path in (*small, picture["url"], picture["thumbnail"], "/snapshot.jpg", "/api/pictures.zip"):
        assert running.ask("GET", path, headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None, path


@pytest.mark.parametrize("path", ["/stream", "/api/events"])
def test_endless_answers_are_never_compressed(shared: RunningAppliance, path: str) -> None:
    with (
        Viewer(shared, path) as plain,
        Viewer(shared, f"{path} HTTP/1.1\r\nAccept-Encoding: gzip\r\nX-Rest:") as viewer,
    ):
        assert viewer.head().headers == plain.head().headers
        assert "content-encoding" not in viewer.headers
