"""What is said to systemd arrives, and nothing is said where there is no systemd."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.system import systemd


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """The socket on which systemd would listen, not yet bound."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        yield sock


def test_a_notification_arrives_as_one_message(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    systemd.notify("READY=1", "STATUS=1280x720 at 30 fps, Tür")
    systemd.notify("WATCHDOG=1")
    assert listener.recv(4096) == "READY=1\nSTATUS=1280x720 at 30 fps, Tür".encode()
    assert listener.recv(4096) == b"WATCHDOG=1"


def test_an_abstract_address_works_as_well(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"camera-appliance-test-{os.getpid()}"
    listener.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    systemd.notify("READY=1")
    assert listener.recv(4096) == b"READY=1"


@pytest.mark.parametrize(
    ("status", "arrives"),
    [
        ("gone\nWATCHDOG=1", b"STATUS=gone WATCHDOG=1"),
        ("/dev/\udcff", b"STATUS=/dev/?"),
        ("", b"STATUS="),
    ],
)
def test_no_status_can_break_the_message(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, arrives: bytes
) -> None:
    listener.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    systemd.notify(f"STATUS={status}")
    assert listener.recv(4096) == arrives


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "@nobody-listens", "/dev/null", "x" * 500, "@"])
def test_without_a_listener_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


def test_a_full_queue_does_not_stop_the_appliance(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                sender.sendto(b"x", str(tmp_path / "notify"))
    systemd.notify("READY=1")


OURS, OTHER = "our process id", "that of another process"


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", OURS, 30.0),
        ("30000000", OTHER, None),
        ("30000000", "", None),
        ("500000", None, 0.5),
        ("1", None, 1e-6),
        ("0", None, None),
        ("", None, None),
        (None, None, None),
        (None, OURS, None),
        ("-5", None, None),
        ("30s", None, None),
        ("1.5", None, None),
        ("²", None, None),
    ],
)
def test_the_watchdog_interval_is_what_systemd_says(
    monkeypatch: pytest.MonkeyPatch, microseconds: str | None, pid: str | None, seconds: float | None
) -> None:
    pid = {OURS: str(os.getpid()), OTHER: str(os.getpid() + 1)}.get(pid or "", pid)
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval() == seconds


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter 2 ", " hunter 2 "),
        ("T\u00fcr\n".encode(), "T\u00fcr"),
        (b"", None),
        (b"\n", None),
        (b"\xff\xfe", None),
        (None, None),
    ],
)
def test_a_credential_is_read_without_its_line_end(tmp_path: Path, content: bytes | None, secret: str | None) -> None:
    if content is not None:
        (tmp_path / "mqtt-password").write_bytes(content)
    assert systemd.credential("mqtt-password", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == secret


def test_without_a_credentials_directory_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert systemd.credential("mqtt-password", {}) is None
    assert systemd.credential("mqtt-password", {"CREDENTIALS_DIRECTORY": ""}) is None
    assert systemd.credential("mqtt-password", {"CREDENTIALS_DIRECTORY": "/nowhere"}) is None
    (tmp_path / "mqtt-password").write_text("hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert systemd.credential("mqtt-password") == "hunter2"
