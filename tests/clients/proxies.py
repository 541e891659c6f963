"""Reverse proxies with the documentation's configuration, on a loopback port, and what a browser asks through them."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from tests.clients.program import Program
from tests.running import PATIENCE, Answer, eventually, free_port
from tests.streaming import Part

NAME = "cam.example.org"

_NGINX = """\
daemon off;
pid nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{block}
}}
"""
_APACHE_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http", "headers")
_APACHE = """\
ServerRoot {directory}
ServerName localhost
PidFile apache.pid
ErrorLog /dev/stderr
Listen 127.0.0.1:{port}
{modules}
{block}
"""
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Proxy:
    """A reverse proxy that runs. `host` is what browsers call it."""

    port: int
    host: str

    @property
    def origin(self) -> str:
        """The origin of the page that it shows."""
        return f"http://{self.host}"

    def ask(self, method: str, path: str, body: str = "", headers: Mapping[str, str] = _NOTHING) -> Answer:
        """Send a request as a browser does, and return the answer, whatever its status; redirects are not followed."""
        with self.open(method, path, body, headers) as response:
            return Answer(response.status, _headers(response), response.read())

    @contextmanager
    def open(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] = _NOTHING
    ) -> Iterator[HTTPResponse]:
        """Send a request, and have its answer open for the time of the block."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, {"Host": self.host, **headers})
            yield connection.getresponse()
        finally:
            connection.close()


def parts(response: HTTPResponse) -> Iterator[Part]:
    """Read a stream to its end, however the proxy cuts it. Raises HTTPException, OSError."""
    assert response.status == 200, response.read()
    assert _headers(response).get_content_type() == "multipart/x-mixed-replace"
    while line := response.readline():
        fields: dict[str, str] = {}
        while line := response.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        jpeg = response.read(int(fields.get("content-length", "0")))
        if not response.readline():
            return
        yield Part(fields, jpeg)


def nginx(block: str, directory: Path, port: int) -> str:
    """Write nginx.conf; return the command. The block is what belongs into `conf.d`."""
    block = re.sub(r"listen 80;", f"listen 127.0.0.1:{port};", block)
    (directory / "nginx.conf").write_text(_NGINX.format(block=block))
    return f"exec nginx -p {directory} -c nginx.conf"


def caddy(block: str, directory: Path, port: int) -> str:
    """Write a Caddyfile; return the command."""
    top = f"{{\n    admin off\n    http_port {port}\n    default_bind 127.0.0.1\n}}\n"
    (directory / "Caddyfile").write_text(top + block.replace(NAME, f"{NAME}:{port}"))
    return "exec caddy run --config Caddyfile --adapter caddyfile"


def apache(block: str, directory: Path, port: int) -> str:
    """Write apache2.conf; return the command."""
    folder = "/usr/lib/apache2/modules"
    modules = "\n".join(f"LoadModule {each}_module {folder}/mod_{each}.so" for each in _APACHE_MODULES)
    block = block.replace("*:80", f"*:{port}")
    (directory / "apache2.conf").write_text(
        _APACHE.format(directory=directory, port=port, modules=modules, block=block)
    )
    return f"exec apache2 -d {directory} -f apache2.conf -DFOREGROUND"


def haproxy(block: str, directory: Path, port: int) -> str:
    """Write haproxy.cfg; return the command."""
    (directory / "haproxy.cfg").write_text(block.replace("bind :80", f"bind 127.0.0.1:{port}"))
    return "exec haproxy -db -f haproxy.cfg"


Writer = Callable[[str, Path, int], str]


@contextmanager
def running(writer: Writer, block: str, directory: Path, name: str = NAME) -> Iterator[Proxy]:
    """Run a proxy with that block; it is called `name`, with its port."""
    port = free_port()
    directory.mkdir(parents=True)
    command = writer(block, directory, port)
    with Program(command, directory) as program:
        proxy = Proxy(port, f"{name}:{port}")

        def answers() -> bool:
            assert program.status is None, program.output
            try:
                return proxy.ask("GET", "/").status > 0
            except OSError:
                return False

        eventually(answers, f"an answer through the proxy; it says {program.output}")
        yield proxy


def _headers(response: HTTPResponse) -> Message:
    return response.headers
