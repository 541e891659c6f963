"""An RTSP camera: RTSP 1.0 (RFC 2326) with JPEG over RTP (RFC 2435), interleaved in the one TCP connection."""

import base64
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import numpy as np

from appliance import jpeg

WIDTH, HEIGHT, RATE = 160, 120, 20
_CLOCK = 90_000  # ticks a second of RTP's time stamps for video
_JPEG = 26  # payload type (RFC 3551)
_TABLES_IN_BAND = 255  # Q: the quantization tables are in the first packet of each frame
_MOST = 1400  # bytes of a picture in one packet
_DQT, _SOS = 0xDB, 0xDA


class RtspCamera:
    """Serves whoever knows the password. `mood` is what it does, now and to whoever asks.

    `good` streams, `stall` keeps silent in the middle of it, `drop` closes all connections.
    """

    def __init__(self, user: str, password: str) -> None:
        self.mood = "good"
        self._credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self.port = int(self._server.getsockname()[1])

    @contextmanager
    def running(self) -> Iterator["RtspCamera"]:
        """Serve for the time of the block."""
        thread = threading.Thread(target=self._accept)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            thread.join()

    def _accept(self) -> None:
        clients = []
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                clients.append(threading.Thread(target=self._serve, args=(connection,)))
                clients[-1].start()
        for client in clients:
            client.join()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with suppress(OSError, EOFError), connection, connection.makefile("rb") as requests:
            while self.mood != "drop" and self._answer(connection, requests.readline().decode(), _headers(requests)):
                pass
            if self.mood != "drop":
                self._stream(connection)

    def _answer(self, connection: socket.socket, line: str, headers: dict[str, str]) -> bool:
        """Answer one request; return whether another one is to follow."""
        method, address, _ = line.split()
        status, fields, body = "200 OK", {"CSeq": headers["cseq"], "Session": "1"}, ""
        if method != "OPTIONS" and headers.get("authorization") != f"Basic {self._credentials}":
            status, fields["WWW-Authenticate"] = "401 Unauthorized", 'Basic realm="camera"'
        elif method == "DESCRIBE":
            body = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP {_JPEG}\r\n"
            body += f"a=framerate:{RATE}\r\na=control:{address.rstrip('/')}/track1\r\n"
            fields |= {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
        elif method == "SETUP":
            if "TCP" in headers["transport"]:
                fields["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1"
            else:
                status = "461 Unsupported Transport"
        lines = [f"RTSP/1.0 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", body]
        connection.sendall("\r\n".join(lines).encode())
        return method != "PLAY" or status != "200 OK"

    def _stream(self, connection: socket.socket) -> None:
        frame = packet = 0
        while self.mood != "drop" and not self._ended.wait(1 / RATE):
            if self.mood == "stall":
                continue
            frame += 1
            level = 60 + frame % 100
            picture = jpeg.encode_bgr(np.full((HEIGHT, WIDTH, 3), level, np.uint8), 80)
            for payload, is_last in _payloads(picture):
                packet += 1
                kind = _JPEG | (0x80 if is_last else 0)
                head = struct.pack(">BBHII", 0x80, kind, packet & 0xFFFF, frame * _CLOCK // RATE, 7)
                connection.sendall(b"$\0" + struct.pack(">H", len(head) + len(payload)) + head + payload)


def _headers(requests: IO[bytes]) -> dict[str, str]:
    """Read the header lines of a request."""
    headers = {}
    while line := requests.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _payloads(picture: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the payloads of the packets that carry a 4:2:0 picture, and whether it is the last one."""
    tables, position = b"", 2
    while (marker := picture[position + 1]) != _SOS:
        length = int.from_bytes(picture[position + 2 : position + 4], "big")
        if marker == _DQT:
            tables += picture[position + 5 : position + 2 + length]  # without the byte that says which one it is
        position += 2 + length
    position += 2 + int.from_bytes(picture[position + 2 : position + 4], "big")
    scan = picture[position:-2]
    for offset in range(0, len(scan), _MOST):
        head = struct.pack(">IBBBB", offset, 1, _TABLES_IN_BAND, WIDTH // 8, HEIGHT // 8)
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + scan[offset : offset + _MOST], offset + _MOST >= len(scan)
