"""The disks of this machine, as `lsblk` reports them.

Running lsblk and reading its JSON are separate, so that every decision about a disk can be tested on recorded output.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.flash.errors import Refused

COLUMNS = "NAME,KNAME,MAJ:MIN,TYPE,RM,HOTPLUG,RO,SIZE,TRAN,SUBSYSTEMS,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,MOUNTPOINTS"
BY_ID = Path("/dev/disk/by-id")


@dataclass(frozen=True)
class Device:
    """A block device: a disk, or a partition or volume (`parts`) on it. Sizes are in bytes."""

    name: str
    kernel_name: str
    number: str
    kind: str
    removable: bool
    hotplug: bool
    read_only: bool
    size: int
    transport: str
    subsystems: frozenset[str]
    model: str
    serial: str
    filesystem: str
    label: str
    mounted_at: tuple[str, ...]
    parts: tuple["Device", ...]

    def everything(self) -> Iterator["Device"]:
        """Yield this device and all devices on it."""
        yield self
        for part in self.parts:
            yield from part.everything()

    @property
    def short_name(self) -> str:
        """The name without its folder, as a person types it: sdb."""
        return os.path.basename(self.name)


def gigabytes(size: int) -> str:
    """Return a size in bytes as it is printed on cards: 31.9 GB."""
    return f"{size / 1e9:.1f} GB"


def read(report: str) -> list[Device]:
    """Parse the output of `lsblk --json --bytes --paths` with the COLUMNS. Raises Refused if it has another form."""
    try:
        return [_device(entry) for entry in json.loads(report)["blockdevices"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"lsblk reported something that cannot be read ({error!r}); util-linux 2.38 is known to do"
        ) from None


def _device(entry: Mapping[str, Any]) -> Device:
    def text(column: str) -> str:
        return (entry[column] or "").strip()

    return Device(
        name=entry["name"],
        kernel_name=entry["kname"],
        number=text("maj:min"),
        kind=entry["type"],
        removable=entry["rm"],
        hotplug=entry["hotplug"],
        read_only=entry["ro"],
        size=entry["size"] or 0,
        transport=text("tran"),
        subsystems=frozenset(text("subsystems").split(":")),
        model=" ".join(f"{text('vendor')} {text('model')}".split()),
        serial=text("serial"),
        filesystem=text("fstype"),
        label=text("label"),
        # lsblk reports one mount point, null, for a device that is not mounted.
        mounted_at=tuple(point for point in entry["mountpoints"] if point),
        parts=tuple(_device(child) for child in entry.get("children", ())),
    )


def survey() -> list[Device]:
    """Return all block devices of this machine. Raises Refused if lsblk cannot be run."""
    # --all: a reader without a card is reported too, so that the refusal can say so.
    return read(_output(["lsblk", "--all", "--json", "--bytes", "--paths", "--output", COLUMNS]))


def behind(paths: Sequence[Path]) -> dict[str, str]:
    """Return the source of the file system of each path: a device, or a word such as `overlay`."""
    command = ["findmnt", "--noheadings", "--nofsroot", "--first-only", "--output", "SOURCE", "--target"]
    sources = {str(path): _output([*command, str(path)]).strip() for path in paths}
    return {path: os.path.realpath(source) if source.startswith("/") else source for path, source in sources.items()}


def unmount(point: str) -> None:
    """Unmount the file system at that path. Raises Refused if it is in use."""
    _output(["umount", point])


def stable_name(device: str) -> str:
    """Return the name below /dev/disk/by-id that stays with the device, or ''."""
    links = sorted(BY_ID.iterdir()) if BY_ID.is_dir() else []
    return next((str(link) for link in links if os.path.realpath(link) == device), "")


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise Refused(
            f"{command[0]} is missing: disks can be written on Linux only, with util-linux installed"
        ) from None
    except subprocess.CalledProcessError as error:
        raise Refused(f"{' '.join(command)} failed: {error.stderr.strip()}") from None
