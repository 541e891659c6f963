"""Real reverse proxies in front of an appliance, each with one configuration, on a port of the loopback."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.processes import Process, free_port, listens

DOCUMENT = Path(__file__).parent.parent / "docs" / "proxies.md"
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # where Debian has them
_UPSTREAM = "127.0.0.1:8000"  # in the examples of the documentation

_NGINX = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream camera_backend {{ server 127.0.0.1:{upstream}; }}
    server {{
        listen 127.0.0.1:{port};
        {block}
    }}
}}
"""
_APACHE = """\
ServerName localhost
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
ErrorLog /dev/stderr
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
{user}
{block}
"""


def example(language: str) -> str:
    """Return the only example in that language of docs/proxies.md."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


class Proxy(Process):
    """nginx or Apache with that block of configuration, before the appliance at port `upstream`. Use it as a context.

    In the block, 127.0.0.1:8000 stands for the appliance.
    """

    def __init__(self, program: str, directory: Path, block: str, upstream: int) -> None:
        super().__init__()
        self.port = free_port()
        path = directory / f"{program}-{self.port}"
        path.mkdir()
        template = _NGINX if program == "nginx" else _APACHE
        is_root = os.geteuid() == 0
        configuration = path / "configuration"
        configuration.write_text(
            template.format(
                directory=path,
                port=self.port,
                upstream=upstream,
                block=block.replace(_UPSTREAM, f"127.0.0.1:{upstream}"),
                user="User nobody\nGroup nogroup" if is_root else "",
            )
        )
        command = shutil.which(program, path=_PATH)
        assert command, f"{program} is not installed"
        arguments = (
            ["-c", str(configuration), "-p", str(path)] if program == "nginx" else ["-X", "-f", str(configuration)]
        )
        self._command = [command, *arguments]

    @property
    def name(self) -> str:
        """The name of its program."""
        return Path(self._command[0]).name

    @property
    def command(self) -> Sequence[str | Path]:
        """The program with its configuration."""
        return self._command

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.port}/"

    def is_ready(self) -> bool:
        """Return whether it listens."""
        return listens(self.port)
