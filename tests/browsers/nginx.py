"""A real nginx in front of an appliance."""

import shutil
import subprocess
from pathlib import Path

from tests.running import Listener, eventually, free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

_CONFIGURATION = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location {path} {{
      proxy_pass http://127.0.0.1:{appliance}/;
      proxy_buffering off;
{lines}
    }}
  }}
}}
"""


class Nginx:
    """nginx, which passes everything below `path` on; `lines` are added to that location. Use it as a context."""

    def __init__(self, directory: Path, appliance: Listener, path: str = "/", lines: str = "") -> None:
        directory.mkdir()
        self._directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{path}"
        text = _CONFIGURATION.format(port=self.port, path=path, appliance=appliance.port, lines=lines)
        (directory / "nginx.conf").write_text(text)

    def __enter__(self) -> "Nginx":
        with (self._directory / "log").open("wb") as log:
            command = [NGINX, "-p", str(self._directory), "-c", "nginx.conf"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: (self._directory / "nginx.pid").exists(), "an nginx that listens")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def before_scripts(script: str) -> str:
    """Return the lines that make nginx put a script before those of the page, as its policy allows: from a file."""
    return f"""
      proxy_set_header Host $http_host;
      proxy_set_header Accept-Encoding "";
      sub_filter '<meta charset="utf-8" />' '<meta charset="utf-8" /><script src="before.js"></script>';
      location = /before.js {{
        default_type text/javascript;
        return 200 '{script}';
      }}
"""
