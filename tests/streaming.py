"""A viewer of the stream, byte by byte, as strict as the standard."""

import socket
import ssl
from dataclasses import dataclass

from tests.running import PATIENCE, Listener


@dataclass(frozen=True)
class Part:
    """One part of the multipart stream."""

    headers: dict[str, str]
    jpeg: bytes

    @property
    def timestamp(self) -> float:
        """When it was captured, in s since the epoch."""
        return float(self.headers["x-timestamp"])

    @property
    def is_live(self) -> bool:
        """Whether it is a frame of the camera, not a placeholder."""
        return self.headers["x-live"] == "1"


class Viewer:
    """Asks for a stream and reads it. Use it as a context.

    `receive_buffer` bytes make a slow viewer: the kernel takes no more for it while it does not read. `address` is the
    one that a reverse proxy forwards. With `tls` the connection is encrypted. `accept` is sent as the
    header of that name.
    """

    def __init__(
        self,
        appliance: Listener,
        path: str = "/stream.mjpg",
        receive_buffer: int | None = None,
        address: str | None = None,
        tls: ssl.SSLContext | None = None,
        accept: str = "",
    ) -> None:
        self.connection = socket.socket()
        if receive_buffer:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(PATIENCE)
        self.connection.connect(("127.0.0.1", appliance.port))
        if tls:
            self.connection = tls.wrap_socket(self.connection, server_hostname="localhost")
        forwarded = f"X-Forwarded-For: {address}\r\n" if address else ""
        accepted = f"Accept: {accept}\r\n" if accept else ""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{appliance.port}\r\n{forwarded}{accepted}\r\n"
        self.connection.sendall(head.encode("latin1"))
        self._buffer = b""
        self.status = 0
        self.headers: dict[str, str] = {}

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def head(self) -> "Viewer":
        """Read the head of the response."""
        lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = _fields(lines[1:])
        return self

    def begin(self) -> "Viewer":
        """Read the head and the first delimiter of a stream that has to be there."""
        self.head()
        assert self.status == 200, self.status
        assert self.until(b"\r\n") == b"--frame"
        return self

    def part(self) -> Part:
        """Read the next part with the delimiter that ends it."""
        fields = _fields(self.until(b"\r\n\r\n").decode().split("\r\n"))
        jpeg = self.exactly(int(fields["content-length"]))
        assert self.exactly(11) == b"\r\n--frame\r\n"
        return Part(fields, jpeg)

    def until(self, mark: bytes) -> bytes:
        """Read up to the mark, and over it."""
        while mark not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        while len(self._buffer) < count:
            self._more()
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _more(self) -> None:
        data = self.connection.recv(1 << 16)
        if not data:
            raise EOFError("the server closed the connection")
        self._buffer += data


def _fields(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
