"""A computer that tests deploy to: reached by SSH on the loopback, and by nothing else."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

from tests.system.tree import ACCOUNT


class Host:
    """Reached as ACCOUNT with a key, which is made here; who gets in may use sudo without a password."""

    port = 22

    def __init__(self, work: Path) -> None:
        self.key = work / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)

    @property
    def ssh_arguments(self) -> list[str]:
        """What ssh needs to get in without a question."""
        options = ("IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        return ["-i", str(self.key), *(part for option in options for part in ("-o", option))]

    @property
    def inventory(self) -> dict[str, Any]:
        """How Ansible reaches it."""
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": ACCOUNT,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": " ".join(self.ssh_arguments[2:]),
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def ssh(self, *command: str) -> list[str]:
        """Return the command that runs a command there, as root."""
        address = f"{ACCOUNT}@127.0.0.1"
        return ["ssh", *self.ssh_arguments, "-p", str(self.port), address, "sudo", shlex.join(command)]

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command there as root, to its end."""
        return subprocess.run(self.ssh(*command), input=stdin, capture_output=True, text=True, timeout=300, check=False)

    def read(self, *command: str) -> str:
        """Return what a command prints; it has to succeed."""
        result = self.run(*command)
        assert result.returncode == 0, f"{' '.join(command)}: {result.stdout}{result.stderr}"
        return result.stdout.strip()

    def property(self, unit: str, name: str) -> str:
        """Return a property of a unit, as `systemctl show` has it."""
        return self.read("systemctl", "show", "--value", f"--property={name}", unit)
