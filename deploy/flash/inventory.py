"""The first-boot files of a host in the inventory: the playbook flash.yml opens the vault and calls `render`."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.flash import firstboot, variables
from deploy.flash.errors import Refused

ANSIBLE = Path(__file__).resolve().parent.parent / "ansible"


def files(host: str, inventory: Path, folder: Path, arguments: Sequence[str]) -> dict[str, bytes]:
    """Run the playbook for a host in the terminal, where it can ask for the vault's password; return the files.

    The files are written to `folder`, which only this account may read. Raises Refused.
    """
    if not inventory.is_file() and not inventory.is_dir():
        raise Refused(
            f"there is no inventory {inventory}: `cp inventory.example.yml inventory.yml` there, and write your hosts"
        )
    asked = json.dumps({"card_host": host, "card_folder": str(folder)})
    command = [
        "ansible-playbook",
        "--inventory",
        str(inventory.resolve()),
        "--extra-vars",
        asked,
        *arguments,
        "flash.yml",
    ]
    # The ansible-playbook of this environment comes first: others may belong to another Python.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    environment |= {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    try:
        status = subprocess.run(command, cwd=ANSIBLE, env=environment, check=False).returncode
    except FileNotFoundError:
        raise Refused("Ansible is missing: `make flash` installs it") from None
    if status:
        raise Refused("the first-boot files could not be generated; see the output above")
    return read(folder)


def render(given: str, folder: Path, home: Path) -> None:
    """Write the first-boot files of a host, readable only by this account.

    `given` is JSON: `name` in the inventory, and its `variables`. Raises Refused.
    """
    asked: Mapping[str, Any] = json.loads(given)
    host = variables.read(asked["name"], asked["variables"], home)
    instance = f"{host.hostname}-{secrets.token_hex(6)}"
    for name, content in firstboot.files(host, instance).items():
        with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)


def read(folder: Path) -> dict[str, bytes]:
    """Return the files that `render` wrote. Raises Refused if they cannot be read."""
    try:
        return {
            file.name: file.read_bytes() for file in sorted(folder.iterdir()) if (folder / firstboot.ADDITION).is_file()
        }
    except OSError as error:
        raise Refused(f"the first-boot files in {folder} cannot be read: {error.strerror}") from None
