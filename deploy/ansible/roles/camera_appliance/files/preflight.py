"""Examine the host before anything is changed: its properties, problems that prevent a deployment, missing cameras.

Reads `minimum_free_mb`, `folder` and `sources` (by camera) as JSON from standard input, prints JSON.
"""

from __future__ import annotations  # so that an older Python can run this script and is refused with a message

import json
import os
import platform
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

SUPPORTED = "a 64-bit Debian 12 or 13, or Raspberry Pi OS bookworm or trixie"
VERSIONS = ("12", "13")


class Host(TypedDict):
    """The properties of a host; see `facts`."""

    system: str
    family: list[str]
    version: str
    bits: int
    machine: str
    python: str
    free_mb: int
    root: str
    former: str


def system(text: str) -> dict[str, str]:
    """Return the assignments of an os-release(5) file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip().strip('"') for name, _, value in pairs}


def file_system_of_root(mounts: str) -> str:
    """Return the type of the file system at /, from the text of /proc/mounts. The last mount is the visible one."""
    kinds = [fields[2] for fields in map(str.split, mounts.splitlines()) if fields[1:2] == ["/"]]
    return kinds[-1] if kinds else "unknown"


def facts(folder: str) -> Host:
    """Return the properties of the host. `bits` is that of the programs: a 64-bit kernel can run a 32-bit system."""
    existing = Path(folder)
    while not existing.is_dir():
        existing = existing.parent
    release = system(Path("/etc/os-release").read_text(encoding="utf-8"))
    return {
        "system": release.get("PRETTY_NAME", "an unknown system"),
        "family": [release.get("ID", ""), *release.get("ID_LIKE", "").split()],
        "version": release.get("VERSION_ID", ""),
        "bits": struct.calcsize("P") * 8,
        "machine": platform.machine(),
        "python": "{}.{}".format(*sys.version_info[:2]),
        "free_mb": shutil.disk_usage(existing).free // 1000000,
        "root": file_system_of_root(Path("/proc/mounts").read_text(encoding="utf-8")),
        "former": os.path.basename(os.path.realpath(f"{folder}/current"))
        if os.path.exists(f"{folder}/current")
        else "",
    }


def problems(host: Host, minimum_free_mb: int) -> Iterator[str]:
    """Yield the problems that prevent a deployment."""
    if "debian" not in host["family"] or host["version"] not in VERSIONS:
        yield f"{host['system']} is not supported: {SUPPORTED} is required"
    if host["bits"] != 64 or host["machine"] not in ("x86_64", "aarch64"):
        yield f"the system is {host['bits']}-bit {host['machine']}: {SUPPORTED} is required"
    if tuple(map(int, host["python"].split("."))) < (3, 11):
        yield f"Python is {host['python']}: 3.11 or later is required"
    if host["free_mb"] < minimum_free_mb:
        yield f"{host['free_mb']} MB are free: {minimum_free_mb} are required (camera_appliance_minimum_free_mb)"
    if host["root"] == "overlay":
        yield (
            "the root file system is an overlay, so that nothing survives a reboot: disable it with "
            "`sudo raspi-config nonint disable_overlayfs`, reboot, deploy, and enable it again"
        )


def missing(sources: dict[str, str], exists: Callable[[str], bool] = os.path.exists) -> dict[str, str]:
    """Return the missing device of each camera. URLs and files are not checked."""
    return {name: source for name, source in sources.items() if source.startswith("/dev/") and not exists(source)}


def main() -> None:
    """Examine the host, and print the result."""
    wanted = json.load(sys.stdin)
    host = facts(wanted["folder"])
    found = {"problems": list(problems(host, wanted["minimum_free_mb"])), "missing": missing(wanted["sources"])}
    print(json.dumps({**host, **found}))


if __name__ == "__main__":
    main()
