"""cheroot in a thread, extended by the connection loop, by handing over connections, and by logging."""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cheroot import wsgi
from cheroot.server import HeaderReader, HTTPRequest

from appliance import json_codec
from appliance.errors import ConfigurationError
from appliance.http.connection import HEAD_LIMIT, Connection
from appliance.http.connection_loop import ConnectionLoop
from appliance.http.security_middleware import LOCAL_ADDRESS
from appliance.http.tls import Tls, unverified_context
from appliance.system.log import logger

log = logger(__name__)

HAND_OVER = "appliance.hand_over"
"""Key of the WSGI environment: a function that takes `accept(connection, head)`.

A route calls it to hand over its connection instead of returning a response. After the route has returned, `accept` is
called with the head of the response including all headers, which has not been sent.
"""

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  addresses for connections to ourselves
_WORKERS = 10  # requests are short; long responses are handed over
_SHARE = 5  # workers for one address at the same time
_BACKLOG = 512  # connections in the kernel that are not accepted yet

Accept = Callable[[socket.socket, bytes], None]


class _Headers(HeaderReader):
    """Reads the headers of a request, and ignores unsafe ones.

    In the WSGI environment, a name with an underscore would collide with the same name with a hyphen. The connection
    loop has already handled `Expect`.
    """

    def __init__(self) -> None:
        self.hosts = 0  # number of Host headers; cheroot keeps the last

    def _allow_header(self, key_name: bytes) -> bool:
        self.hosts += key_name == b"Host"
        return b"_" not in key_name and key_name != b"Expect"


class _Request(HTTPRequest):
    """A request. Errors of cheroot itself are returned as JSON too."""

    method = b""

    def read_request_headers(self) -> bool:
        self.header_reader = _Headers()
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.header_reader.hosts > 1:  # RFC 9112, 3.2
            self.simple_response("400 Bad Request", "A request must have one Host header.")
            return False
        if self.inheaders.get(b"Content-Length", b"0").isdigit():
            return True
        self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
        return False

    def simple_response(self, status: str, msg: str = "") -> None:
        number, _, words = status.partition(" ")
        code = {"413": "too_large", "414": "too_large", "500": "internal_error"}.get(number, "invalid_request")
        body = json_codec.encode(json_codec.error(code, msg or words))
        self.close_connection = self.sent_headers = True
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self.conn.wfile.write(head.encode("latin1") + (b"" if self.method == b"HEAD" else body))


Connection.RequestHandlerClass = _Request


class _Gateway(wsgi.Gateway_10):
    """Responds to one request, or hands over its connection."""

    def __init__(self, request: Any) -> None:
        self._accept: Accept | None = None
        super().__init__(request)

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # the stubs say None
        environment: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        environment[HAND_OVER] = self._hand_over
        environment[LOCAL_ADDRESS] = self.req.conn.local_address
        return environment

    def _hand_over(self, accept: Accept) -> None:
        self._accept = accept

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        write = super().start_response(status, headers, exc_info)
        if self._accept:
            self.req.sent_headers = True  # keeps cheroot from sending headers and chunks
        return write

    def respond(self) -> None:
        request = self.req
        request.close_connection |= request.conn.is_last
        super().respond()
        if not self._accept:
            return
        headers = [header for header in request.outheaders if header[0].lower() != b"content-length"]
        lines = [b"HTTP/1.1 " + request.status, *(name + b": " + value for name, value in headers)]
        head = b"\r\n".join([*lines, b"Connection: close", b"", b""])
        request.server.connection_loop.detach(request.conn)
        connection = request.conn.socket
        if not isinstance(connection, ssl.SSLSocket):  # detached, so that only we own the descriptor
            connection = socket.socket(fileno=connection.detach())
        # cheroot does not shut down a lingering connection.
        request.conn.linger = request.close_connection = True
        self._accept(connection, head)


class _CherootServer(wsgi.Server):
    """cheroot's server with our connection loop and log. It keeps the error of `bind`, which cheroot turns into text.

    The connection loop replaces the private `_connections`, because cheroot (11.1.2) has no public way to do so.
    """

    tls: Tls | None = None
    bind_error: OSError | None = None
    connection_loop: ConnectionLoop
    _connections: Any

    def prepare(self) -> None:
        super().prepare()
        self._connections.close()
        self._connections = self.connection_loop = ConnectionLoop(self, self.tls, _SHARE)

    def bind(self, family: int, type: int, proto: int = 0) -> Any:
        try:
            return super().bind(family, type, proto)
        except OSError as error:
            self.bind_error = error
            raise

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        log.log(level, "%s", msg, exc_info=traceback)


class Server:
    """The HTTP server, which listens from `start` until `stop`."""

    def __init__(self, application: Callable[..., Any], host: str, port: int, tls: Tls | None = None) -> None:
        self._host = host
        self._scheme = "https" if tls else "http"
        os.environ.pop("LISTEN_PID", None)  # cheroot takes any value as socket activation
        self._cheroot = _CherootServer((host, port), application, numthreads=_WORKERS, request_queue_size=_BACKLOG)
        self._cheroot.gateway = _Gateway
        self._cheroot.tls = tls
        self._cheroot.max_request_header_size = HEAD_LIMIT
        self._cheroot.shutdown_timeout = 0.5
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._listening: Future[None] = Future()

    def start(self) -> None:
        """Start to listen. Raises ConfigurationError if the address is not available."""
        self._thread.start()
        try:
            self._listening.result(timeout=10)
        except OSError as error:
            cause = self._cheroot.bind_error or error
            reason = cause.strerror or str(cause)
            raise ConfigurationError([f"http.host, http.port: cannot listen on {self.url}: {reason}"]) from None

    def stop(self, timeout: float = 1.0) -> None:
        """Stop the server. A worker that is still blocked after `timeout` s is abandoned."""
        stopper = threading.Thread(target=self._cheroot.stop, name="http-stop", daemon=True)
        stopper.start()
        stopper.join(timeout)

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._cheroot.bind_addr[1])

    @property
    def url(self) -> str:
        """The URL on this machine."""
        host = _WILDCARDS.get(self._host, self._host)
        return f"{self._scheme}://[{host}]:{self.port}" if ":" in host else f"{self._scheme}://{host}:{self.port}"

    def page(self, address: str | None) -> str:
        """Return the URL for other machines; `address` is the address of this machine for them, if known."""
        if self._host not in _WILDCARDS:
            return f"{self.url}/"
        loopback = address is None or address.startswith("127.") or address == "::1"
        name = f"{socket.gethostname()}.local" if loopback else f"[{address}]" if ":" in str(address) else address
        return f"{self._scheme}://{name}:{self.port}/"

    def answers(self, timeout: float = 2.0) -> bool:
        """Send a request to the own address, and return whether there was a response."""
        host = _WILDCARDS.get(self._host, self._host)
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            connection = opened.enter_context(socket.create_connection((host, self.port), timeout))
            if self._cheroot.tls:
                connection = opened.enter_context(unverified_context().wrap_socket(connection))
            connection.settimeout(timeout)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(8).startswith(b"HTTP/1.1")
        return False

    def _serve(self) -> None:
        """Run cheroot. Its workers inherit `daemon` from this thread, so they cannot keep the process from exiting."""
        try:
            self._cheroot.prepare()
        except BaseException as error:  # noqa: BLE001  raised in `start`
            self._listening.set_exception(error)
            return
        self._listening.set_result(None)
        self._cheroot.serve()
