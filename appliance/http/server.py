"""cheroot in a thread, with what it lacks for us: patience with slow clients, handing a connection over, logging."""

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
from appliance.http.tls import Tls, trusting_anybody
from appliance.system.log import logger

log = logger(__name__)

HAND_OVER = "appliance.hand_over"
"""Key of the WSGI environment: a function that takes `accept(connection, head)`.

Called by a route, it makes the server give the connection away after the route has returned, instead of answering:
`head` is the head of the response with all its headers, not yet sent.
"""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  how to reach ourselves when we listen there
_WORKERS = 10  # Requests are short; what lasts is handed over.
_SHARE = 5  # of them, for one address at the same time
_BACKLOG = 512  # connections that the kernel holds until they are accepted

Accept = Callable[[socket.socket, bytes], None]


class _Headers(HeaderReader):
    """Reads the headers of one request, without those that would mislead.

    One with an underscore would pass for the one with a hyphen in the environment; `Expect` the reception has answered.
    """

    def __init__(self) -> None:
        self.hosts = 0  # how many lines with a Host there are; cheroot keeps the last

    def _allow_header(self, key_name: bytes) -> bool:
        self.hosts += key_name == b"Host"
        return b"_" not in key_name and key_name != b"Expect"


class _Request(HTTPRequest):
    """A request; what cheroot itself refuses is told as JSON, like everything else."""

    method = b""

    def read_request_headers(self) -> bool:
        self.header_reader = _Headers()
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.header_reader.hosts > 1:  # RFC 9112, 3.2
            self.simple_response("400 Bad Request", "A request has one Host header.")
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
    """Answers one request, or gives its connection away."""

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
            self.req.sent_headers = True  # Keeps cheroot from sending them, and its chunks.
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
        request.server.reception.forget(request.conn)
        connection = request.conn.socket
        if not isinstance(connection, ssl.SSLSocket):  # Detached, the descriptor is ours alone.
            connection = socket.socket(fileno=connection.detach())
        # A lingering connection is one that cheroot does not shut down.
        request.conn.linger = request.close_connection = True
        self._accept(connection, head)


class _CherootServer(wsgi.Server):
    """cheroot's server with our reception, logging to our log, keeping why it could not bind, which it makes words of.

    The reception takes the place of cheroot's `_connections`: https://github.com/cherrypy/cheroot has no other way in.
    """

    tls: Tls | None = None
    bind_error: OSError | None = None
    reception: ConnectionLoop
    _connections: Any

    def prepare(self) -> None:
        super().prepare()
        self._connections.close()
        self._connections = self.reception = ConnectionLoop(self, self.tls, _SHARE)

    def bind(self, family: int, type: int, proto: int = 0) -> Any:
        try:
            return super().bind(family, type, proto)
        except OSError as error:
            self.bind_error = error
            raise

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        log.log(level, "%s", msg, exc_info=traceback)


class Server:
    """The HTTP server. It listens after `start`, and answers until `stop`."""

    def __init__(self, application: Callable[..., Any], host: str, port: int, tls: Tls | None = None) -> None:
        self._host = host
        self._scheme = "https" if tls else "http"
        os.environ.pop("LISTEN_PID", None)  # cheroot would take any value of it for a socket handed to it
        self._cheroot = _CherootServer((host, port), application, numthreads=_WORKERS, request_queue_size=_BACKLOG)
        self._cheroot.gateway = _Gateway
        self._cheroot.tls = tls
        self._cheroot.max_request_header_size = HEAD_LIMIT
        self._cheroot.shutdown_timeout = 0.5
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._listening: Future[None] = Future()

    def start(self) -> None:
        """Listen. Raises ConfigurationError where the address cannot be had."""
        self._thread.start()
        try:
            self._listening.result(timeout=10)
        except OSError as error:
            cause = self._cheroot.bind_error or error
            reason = cause.strerror or str(cause)
            raise ConfigurationError([f"http.host, http.port: cannot listen on {self.url}: {reason}"]) from None

    def stop(self, timeout: float = 1.0) -> None:
        """Stop listening and answering; a worker that a client holds is left behind after `timeout` s."""
        stopper = threading.Thread(target=self._cheroot.stop, name="http-stop", daemon=True)
        stopper.start()
        stopper.join(timeout)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._cheroot.bind_addr[1])

    @property
    def url(self) -> str:
        """The address for people on this machine."""
        host = _EVERYWHERE.get(self._host, self._host)
        return f"{self._scheme}://[{host}]:{self.port}" if ":" in host else f"{self._scheme}://{host}:{self.port}"

    def page(self, address: str | None) -> str:
        """Return the address for people elsewhere, who reach this machine at that address, if one is known."""
        if self._host not in _EVERYWHERE:
            return f"{self.url}/"
        loopback = address is None or address.startswith("127.") or address == "::1"
        name = f"{socket.gethostname()}.local" if loopback else f"[{address}]" if ":" in str(address) else address
        return f"{self._scheme}://{name}:{self.port}/"

    def answers(self, timeout: float = 2.0) -> bool:
        """Ask ourselves over the network, as a browser would, and return whether there was an answer."""
        host = _EVERYWHERE.get(self._host, self._host)
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            connection = opened.enter_context(socket.create_connection((host, self.port), timeout))
            if self._cheroot.tls:
                connection = opened.enter_context(trusting_anybody().wrap_socket(connection))
            connection.settimeout(timeout)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(8).startswith(b"HTTP/1.1")
        return False

    def _serve(self) -> None:
        """Run cheroot. Its workers are daemons because this thread is one: none can keep the process from ending."""
        try:
            self._cheroot.prepare()
        except BaseException as error:  # noqa: BLE001  whoever waits for us gets it
            self._listening.set_exception(error)
            return
        self._listening.set_result(None)
        self._cheroot.serve()
