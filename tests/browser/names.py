"""Names of hosts as a browser under test sees them, and sites of strangers that have such names.

The browser asks a SOCKS proxy of ours for every connection (`--proxy-server`), which is where names become addresses.
So the address of a name can change between two requests, as it does in a DNS rebinding attack.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.running import PATIENCE

_GREETING, _CONNECT = b"\x05\x00", b"\x05\x00\x00\x01" + bytes(6)  # RFC 1928: no authentication; connected
_DOMAIN_NAME = 3
_REFUSED = b"\x05\x04\x00\x01" + bytes(6)  # host unreachable


class _Relay(socketserver.StreamRequestHandler):
    server: "Names"
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError):
            self._relay()

    def _relay(self) -> None:
        self.rfile.read(self.rfile.read(2)[1])
        self.request.sendall(_GREETING)
        is_name = self.rfile.read(4)[3] == _DOMAIN_NAME
        name = self._name() if is_name else socket.inet_ntoa(self.rfile.read(4))
        (port,) = struct.unpack("!H", self.rfile.read(2))
        address = self.server.addresses.get(name)
        if address is None:
            self.request.sendall(_REFUSED)
            return
        with socket.create_connection((address, port), PATIENCE) as other:
            self.request.sendall(_CONNECT)
            answers = threading.Thread(target=_pass_on, args=(other, self.request), daemon=True)
            answers.start()
            _pass_on(self.request, other)
            answers.join()

    def _name(self) -> str:
        return self.rfile.read(self.rfile.read(1)[0]).decode()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Names(socketserver.ThreadingTCPServer):
    """The proxy. `addresses` says where each name is, and may be changed at any time; others cannot be reached."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.addresses: dict[str, str] = {}

    @property
    def arguments(self) -> list[str]:
        """What makes Chromium ask it for every connection, also for the loopback."""
        return [f"--proxy-server=socks5://127.0.0.1:{self.server_address[1]}", "--proxy-bypass-list=<-loopback>"]


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server answer for the time of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Stranger(BaseHTTPRequestHandler):
    """Answers with an empty page; `/redirect?URL` sends any method on to that address."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, _, target = self.path.partition("/redirect?")
        self.send_response(307 if target else 200)
        if target:
            self.send_header("Location", target)
        body = b"<!doctype html><link rel='icon' href='data:,'><title>Stranger</title>"
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_GET  # noqa: N815  the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:
        pass


def site(address: str, port: int) -> ThreadingHTTPServer:
    """Return a site of strangers at that address and port."""
    return ThreadingHTTPServer((address, port), _Stranger)
