"""The interface to systemd: readiness, status line, watchdog and credentials. Does nothing without systemd."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path


def notify(*assignments: str) -> None:
    """Notify systemd, for example `notify("READY=1", "STATUS=1280x720 at 30 fps")`. Never raises.

    The protocol is one datagram of lines (sd_notify(3)), so a line break in an assignment becomes a space; a leading
    @ names an abstract socket.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
            notifier.settimeout(1)
            lines = (" ".join(assignment.splitlines()) for assignment in assignments)
            notifier.sendto("\n".join(lines).encode(errors="replace"), address)
    except OSError:
        pass  # a lost status line must not stop the camera; systemd itself notices a lost watchdog message


def watchdog_interval() -> float | None:
    """Return the watchdog timeout in seconds; None without a watchdog."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or int(microseconds) == 0 or pid != str(os.getpid()):
        return None
    return int(microseconds) / 1e6


def credential(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return a credential passed by systemd (LoadCredential=), without its final newline; None if there is none."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return None
    try:
        return (Path(directory) / name).read_text(encoding="utf-8").rstrip("\r\n") or None
    except (OSError, UnicodeDecodeError):
        return None
