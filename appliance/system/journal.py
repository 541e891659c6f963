"""The native protocol of the journal: log messages with fields by which `journalctl` can select them.

An entry is one datagram of fields (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). The journal adds the unit itself.
"""

import logging
import os
import socket

SOCKET = "/run/systemd/journal/socket"
FIELDS = ("EVENT", "VIEWER", "PICTURE")  # what `extra=` of a log call may name
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


def priority(level: int) -> int:
    """Return the syslog priority of a logging level."""
    return next(number for least, number in _PRIORITIES if level >= least)


def encode(fields: dict[str, str]) -> bytes:
    """Return an entry. A value with line breaks is preceded by its length, in bytes, as 64 bits."""
    entry = bytearray()
    for name, value in fields.items():
        data = value.encode(errors="replace")
        if b"\n" in data:
            entry += name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
        else:
            entry += name.encode() + b"=" + data + b"\n"
    return bytes(entry)


class JournalHandler(logging.Handler):
    """Sends every record as an entry; an entry that the journal does not accept goes to the handler `otherwise`."""

    def __init__(self, camera: str, otherwise: logging.Handler) -> None:
        super().__init__()
        self._camera = camera
        self._otherwise = otherwise
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record. Never raises: a log message must not stop the camera."""
        try:
            fields = {
                "MESSAGE": self.format(record),
                "PRIORITY": str(priority(record.levelno)),
                "SYSLOG_IDENTIFIER": f"camera-appliance@{self._camera}" if self._camera else "camera-appliance",
                "SYSLOG_PID": str(os.getpid()),
                "CAMERA": self._camera,
                "LOGGER": record.name,
            }
            fields |= {name: str(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
            self._socket.sendto(encode({name: value for name, value in fields.items() if value}), SOCKET)
        except OSError:
            self._otherwise.handle(record)
        except Exception:  # noqa: BLE001  as every handler of logging does
            self.handleError(record)
