"""What go2rtc 1.9.14 sends and how it reads, by a client of our own; the program itself was not to be had.

It is a client of Go's net/http (internal/http/http.go, pkg/tcp/request.go): GET by HTTP/1.1 with Go's User-Agent,
`Accept-Encoding: gzip`, keep-alive, no Accept and no Range; Basic authentication at once where the address has a user;
`#header=` adds headers. A type of `multipart/x-mixed-replace` is read by pkg/mpjpeg/multipart.go, `image/jpeg` by
pkg/image/producer.go, which asks again and again on the same connection. Another status than 200 is an error; after one
it tries again each second, five times, then each 5 s (internal/streams/producer.go).
"""

import base64
import re
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from appliance import jpeg
from tests.clients.conftest import LONG
from tests.clients.place import RATE, TOKEN, Place
from tests.clients.table import shows
from tests.deploy.ansible import ansible
from tests.running import PATIENCE, eventually

GO2RTC = "go2rtc (imitated)"


class Go2rtc:
    """One connection of go2rtc to the source of a stream. Use it as a context."""

    def __init__(self, source: str) -> None:
        address, _, options = source.partition("#")
        self._url = urlsplit(address)
        self._headers = [each.removeprefix("header=") for each in options.split("#") if each.startswith("header=")]
        if self._url.username:
            user = f"{self._url.username}:{self._url.password or ''}"
            self._headers.append(f"Authorization: Basic {base64.b64encode(user.encode()).decode()}")

    def __enter__(self) -> "Go2rtc":
        assert self._url.hostname
        self._connection = socket.create_connection((self._url.hostname, self._url.port or 80), PATIENCE)
        self._file = self._connection.makefile("rb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._connection.close()

    def get(self) -> tuple[int, Mapping[str, str]]:
        """Send the request; return the status and the headers of the answer."""
        path = self._url.path + (f"?{self._url.query}" if self._url.query else "")
        host = self._url.netloc.rpartition("@")[2]
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "User-Agent: Go-http-client/1.1", *self._headers]
        self._connection.sendall("\r\n".join([*lines, "Accept-Encoding: gzip", "", ""]).encode())
        status = self._file.readline().split()
        assert status[0] == b"HTTP/1.1"
        return int(status[1]), self._fields()

    def frames(self) -> Iterator[bytes]:
        """Read parts as `mpjpeg.Next` does: empty lines, a line that begins with `--`, headers, so many bytes."""
        while line := self._file.readline():
            if line == b"\r\n":
                continue
            assert line.startswith(b"--"), line
            if self._file.peek(2).startswith(b"--"):
                continue
            yield self.exactly(int(self._fields()["content-length"]))

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line:
            raise EOFError
        return line

    def _fields(self) -> dict[str, str]:
        fields = {}
        while line := self._line().strip():
            name, colon, value = line.decode().partition(":")
            assert colon, line
            fields[name.lower()] = value.strip()
        return fields


def streams(text: str, **environment: str) -> dict[str, str]:
    """Read a configuration as go2rtc does, which replaces `${NAME}` in it first (pkg/creds)."""
    text = re.sub(r"\${([^}{]+)}", lambda name: environment.get(name[1], name[0]), text)
    found: dict[str, Any] = yaml.safe_load(text)
    return {name: str(source) for name, source in found["streams"].items()}


def documented(at: Place) -> dict[str, str]:
    """Return the streams of the documented block."""
    return streams(at.block("go2rtc"))


@shows(GO2RTC, stream="plays", unplug="goes on", restart="reconnects")
def test_frames_come_through_unplug_and_restart(open_place: Place) -> None:
    source = documented(open_place)["camera"]
    with Go2rtc(source) as client:
        status, headers = client.get()
        assert status == 200
        assert headers["content-type"].partition(";")[0] == "multipart/x-mixed-replace"
        assert "content-encoding" not in headers
        frames = client.frames()
        for _ in range(int(0.6 * RATE * LONG)):
            jpeg.verify(next(frames))
        with open_place.unplugged():
            jpeg.verify(next(frames))
        for _ in range(int(2 * RATE)):
            jpeg.verify(next(frames))
        open_place.restart()
        with suppress(EOFError, ConnectionError):
            deque(frames, maxlen=0)  # to its end

    def again() -> bool:
        with Go2rtc(source) as client:
            return client.get()[0] == 200 and len(next(client.frames())) > 0

    eventually(again, "a new stream")


@shows(GO2RTC, password="works", token="works")
@pytest.mark.parametrize("stream", ["camera_with_password", "camera_with_token"])
def test_it_is_let_in(stream: str, closed_place: Place) -> None:
    sources = documented(closed_place)
    with Go2rtc(sources["camera"]) as stranger:
        assert stranger.get()[0] == 401
    with Go2rtc(sources[stream]) as client:
        assert client.get()[0] == 200
        jpeg.verify(next(client.frames()))


def test_snapshots_are_asked_for_on_one_connection(open_place: Place) -> None:
    with Go2rtc(f"http://{open_place.address}/snapshot.jpg") as client:
        for _ in range(20):
            status, headers = client.get()
            assert (status, headers["content-type"]) == (200, "image/jpeg")
            assert "content-encoding" not in headers
            jpeg.verify(client.exactly(int(headers["content-length"])))


def test_the_file_for_a_fleet_names_streams_that_are_answered(closed_place: Place, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(f"""
cameras:
  hosts:
    barn.local:
      ansible_host: 127.0.0.1
      camera_appliance_cameras:
        - {{ name: stable, settings: {{ http: {{ host: 0.0.0.0, port: {closed_place.appliance.port} }} }} }}
        - {{ name: indoors, settings: {{ http: {{ host: 127.0.0.1 }} }} }}
""")
    arguments = ("fleet.yml", "--inventory", str(inventory), "-e", f"camera_appliance_fleet_directory={tmp_path}")
    done = ansible(tmp_path, "ansible-playbook", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found = streams((tmp_path / "go2rtc.yaml").read_text(), CAMERA_TOKEN=TOKEN)
    assert list(found) == ["stable"]
    with Go2rtc(found["stable"]) as client:
        assert client.get()[0] == 200
        jpeg.verify(next(client.frames()))
