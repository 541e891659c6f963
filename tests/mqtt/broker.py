"""A real mosquitto on a loopback port, and certificates for it."""

import getpass
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.processes import HOST, Process, free_port, listens

__all__ = ["HOST", "MOSQUITTO", "Authority", "Broker", "Certificate", "free_port"]

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

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


class Broker(Process):
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
        super().__init__()
        self.port = port or free_port()
        self._directory = directory
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

    @property
    def settings(self) -> dict[str, object]:
        """The settings of an appliance that is to use it."""
        return {"mqtt.host": HOST, "mqtt.port": self.port}

    @property
    def command(self) -> Sequence[str | Path]:
        """The command with its configuration."""
        return [MOSQUITTO, "-c", self._configuration]

    def is_ready(self) -> bool:
        """Return whether it listens."""
        return listens(self.port)

    def _password_file(self, users: dict[str, str]) -> Path:
        path = self._directory / "passwords"
        path.touch(mode=0o600)
        for name, password in users.items():
            subprocess.run(["mosquitto_passwd", "-b", path, name, password], check=True, capture_output=True)
        return path
