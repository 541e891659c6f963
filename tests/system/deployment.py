"""Deployments to the booted machine, by the playbooks as they stand."""

import json
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.ansible import ansible
from tests.system.host import Host
from tests.system.tree import cache

PATIENCE = 1200.0  # s, for one playbook: on a machine that has much else to do each of its tasks takes seconds


@dataclass(frozen=True)
class Run:
    """One finished playbook: its exit status, how many tasks changed something, how long it took, all it printed."""

    status: int
    changed: int
    seconds: float
    text: str

    @property
    def words(self) -> str:
        """What it printed, in one line: Ansible breaks lines where it likes."""
        return " ".join(self.text.split())


@dataclass
class Deployment:
    """The machine and its inventory. `variables` are those of the host, `wheel` is what is brought there."""

    machine: Host
    work: Path
    wheel: Path
    variables: dict[str, Any]
    patience: float = PATIENCE

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook; variables replace those of the host, this time."""
        own = {"camera_appliance_wheel": str(self.wheel), **self.machine.inventory, **self.variables, **variables}
        inventory = self.work / "inventory.json"
        inventory.write_text(json.dumps({"cameras": {"hosts": {"porch": own}}}), encoding="utf-8")
        started_at = time.monotonic()
        # What was gathered before is found in the cache; here it could not be downloaded.
        command = ("ansible-playbook", "-i", str(inventory), playbook, *arguments)
        ended = ansible(self.work, *command, timeout=self.patience, XDG_CACHE_HOME=str(cache().parent))
        _, _, recap = ended.stdout.partition("PLAY RECAP")
        counts = re.search(r"^porch .*changed=(\d+)", recap, re.MULTILINE)
        return Run(
            ended.returncode,
            int(counts[1]) if counts else -1,
            time.monotonic() - started_at,
            ended.stdout + ended.stderr,
        )

    def deploy(self, *arguments: str, **variables: Any) -> Run:
        """Run site.yml."""
        return self.run("site.yml", *arguments, **variables)


def another(wheel: Path, folder: Path, version: str, *changes: tuple[str, str, str]) -> Path:
    """Write the wheel once more with another version, and with changes (file, text, what replaces it); return it."""
    former = wheel.name.split("-")[1]
    changes = (*changes, ("appliance/__init__.py", f'"{former}"', f'"{version}"'))
    renamed = folder / wheel.name.replace(former, version)
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(renamed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("dist-info/METADATA"):
                content = content.replace(f"\nVersion: {former}\n".encode(), f"\nVersion: {version}\n".encode())
            if name.endswith("dist-info/RECORD"):
                content = content.replace(f"-{former}.dist-info".encode(), f"-{version}.dist-info".encode())
            for file, text, new in changes:
                if name == file:
                    assert text.encode() in content, f"{file} has no {text}"
                    content = content.replace(text.encode(), new.encode())
            target.writestr(name.replace(f"-{former}.dist-info", f"-{version}.dist-info"), content)
    return renamed
