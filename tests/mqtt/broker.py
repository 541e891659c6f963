"""A real mosquitto on a loopback port, and certificates for it."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.running import eventually

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
HOST = "127.0.0.1"
STOPS_WITHIN = 10.0  # s

_OPENSSL = """\
[req]
distinguished_name = nothing
[nothing]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:localhost
authorityKeyIdentifier = keyid
[elsewhere]
basicConstraints = CA:FALSE
subjectAltName = DNS:elsewhere.example
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key, both PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority in a folder, and what it issues: for 127.0.0.1, as server or client."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory / name
        self._directory.mkdir(parents=True)
        self._configuration = self._directory / "openssl.cnf"
        self._configuration.write_text(_OPENSSL)
        self._own = self._make(name, "authority")

    @property
    def certificate(self) -> Path:
        """What to trust in order to trust everything it issued."""
        return self._own.certificate

    def issue(self, name: str, extensions: str = "leaf") -> Certificate:
        """Return a new certificate; `elsewhere` as extensions makes it one for another host."""
        return self._make(name, extensions, "-CA", str(self._own.certificate), "-CAkey", str(self._own.key))

    def _make(self, name: str, extensions: str, *issuer: str) -> Certificate:
        made = Certificate(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(made.key)]
        form = ["-config", str(self._configuration), "-extensions", extensions, "-subj", f"/CN={name}", "-days", "2"]
        command = ["openssl", "req", "-x509", *new_key, *form, *issuer, "-out", str(made.certificate)]
        subprocess.run(command, check=True, capture_output=True)
        return made


class Broker:
    """A mosquitto that keeps nothing over a restart, always on the same port. Use it as a context.

    `users` are passwords by name; with them nobody else may connect. `certificate` makes it speak TLS, and
    `clients_of` demands client certificates of that authority. `max_packet_size` is in bytes.
    """

    def __init__(
        self,
        directory: Path,
        *,
        users: dict[str, str] | None = None,
        certificate: Certificate | None = None,
        clients_of: Authority | None = None,
        max_packet_size: int | None = None,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        # Started by root it would become the user `mosquitto`, who may read nothing here.
        lines = [
            f"listener {self.port} {HOST}",
            "persistence false",
            "set_tcp_nodelay true",
            "log_dest stderr",
            f"user {getpass.getuser()}",
        ]
        lines.append(f"allow_anonymous {'false' if users else 'true'}")
        if users:
            lines.append(f"password_file {self._password_file(users)}")
        if certificate:
            lines += [f"certfile {certificate.certificate}", f"keyfile {certificate.key}"]
        if clients_of:
            lines += [f"cafile {clients_of.certificate}", "require_certificate true"]
        if max_packet_size:
            lines.append(f"max_packet_size {max_packet_size}")
        self._configuration = directory / "mosquitto.conf"
        self._configuration.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def settings(self) -> dict[str, object]:
        """The settings of an appliance that is to use it."""
        return {"mqtt.host": HOST, "mqtt.port": self.port}

    @property
    def log(self) -> str:
        """Everything it has written."""
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it listens."""
        assert self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", self._configuration], stdout=log, stderr=log)
        eventually(self._listens, "a broker that listens")

    def stop(self) -> None:
        """Stop it, and with that let it forget everything."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def kill(self) -> None:
        """End it as a power cut does: nobody is told."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait()

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Let it stand still: connections stay open, and nothing is answered. It may be killed meanwhile."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self._process is not None:
                os.kill(self._process.pid, signal.SIGCONT)

    @property
    def _log(self) -> Path:
        return self._directory / "mosquitto.log"

    def _password_file(self, users: dict[str, str]) -> Path:
        path = self._directory / "passwords"
        path.touch(mode=0o600)
        for name, password in users.items():
            subprocess.run(["mosquitto_passwd", "-b", path, name, password], check=True, capture_output=True)
        return path

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
