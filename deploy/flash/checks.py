"""The checks that a disk must pass before it is written, so that it is never the wrong one.

Each check is a pure function that returns the reason and the remedy if the disk is refused, otherwise None. `find`
resolves the name of the disk; `target` opens it exclusively and checks that it is still the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.flash.disks import Device, gigabytes
from deploy.flash.errors import Refused

LARGEST = 256 * 10**9  # bytes; larger disks are more often backup disks than cards
NOT_A_CARD = re.compile(r"/dev/(zram|ram|loop|nbd|rbd|sr|fd|mtdblock|md|dm-|mmcblk\d+(boot|rpmb))")
BUILT_IN = {"nvme", "sata", "ata", "sas", "spi", "fc", "iscsi", "virtio"}
# Where desktops mount removable disks. root-ro and root-rw are Debian's overlayroot, that is, the running system.
SYSTEM = re.compile(r"/$|/(boot|efi|usr|var|etc|opt|root)(/|$)")
MOUNTED_BY_DESKTOP = re.compile(r"(/run)?/media/(?!root-r[ow](/|$)).")


@dataclass(frozen=True)
class Situation:
    """The input of the checks besides the disk itself."""

    image_size: int
    devices: Sequence[Device] = ()
    needed: Mapping[str, str] = field(default_factory=dict)  # path -> source of its file system
    largest: int = LARGEST
    built_in_allowed: bool = False


Check = Callable[[Device, Situation], str | None]


def find(name: str, devices: Sequence[Device]) -> Device:
    """Return the device of that name (links already followed); raises Refused with the disks that there are."""
    for disk in devices:
        for device in disk.everything():
            if name in (device.name, device.kernel_name):
                return device
    cards = ", ".join(
        disk.name for disk in devices if disk.kind == "disk" and disk.size and not NOT_A_CARD.match(disk.name)
    )
    raise Refused(
        f"{name} is not a disk of this machine: it has {cards or 'none'}. `make flash` without DEVICE lists them"
    )


def is_a_whole_disk(disk: Device, situation: Situation) -> str | None:
    """Refuse a partition, a loop device, memory or a volume."""
    if disk.kind == "part":
        whole = next((one.name for one in situation.devices if disk in one.everything()), "the disk")
        return f"is a partition. An image replaces a whole disk: that would be {whole}"
    if disk.kind != "disk" or NOT_A_CARD.match(disk.kernel_name):
        return f"is not a disk that can be plugged in, but of the kind {disk.kind}. Name the card or USB disk"
    return None


def can_be_plugged_in(disk: Device, situation: Situation) -> str | None:
    """Refuse an internal disk."""
    if situation.built_in_allowed:
        return None
    allow = "If it is meant, --built-in allows it"
    if any(one.kernel_name == f"{disk.kernel_name}boot0" for one in situation.devices):
        return f"is memory soldered to this computer (eMMC). {allow}"
    pluggable = disk.removable or disk.hotplug or disk.transport == "usb" or disk.subsystems & {"usb", "mmc"}
    if disk.transport in BUILT_IN or not pluggable:
        return f"is built into this computer ({disk.transport or 'neither USB nor a card'}). {allow}"
    return None


def can_be_written(disk: Device, situation: Situation) -> str | None:
    """Refuse a read-only disk, such as an SD card with its write protection on."""
    if disk.read_only:
        return "is read-only. Slide the switch of the SD card, or of its adapter, towards its contacts"
    return None


def has_a_card(disk: Device, situation: Situation) -> str | None:
    """Refuse a reader without a card, which is a disk of size 0."""
    return None if disk.size else "has no card in it. Put one in"


def is_large_enough(disk: Device, situation: Situation) -> str | None:
    """Refuse a disk that is smaller than the image."""
    if 0 < disk.size < situation.image_size:
        return f"is too small: it has {gigabytes(disk.size)}, the image needs {gigabytes(situation.image_size)}"
    return None


def is_no_larger_than_cards_are(disk: Device, situation: Situation) -> str | None:
    """Refuse a disk that is larger than cards are: it may hold backups."""
    if disk.size > situation.largest:
        allow = f"If it is meant, --largest {-(-disk.size // 10**9)} allows it"
        return f"has {gigabytes(disk.size)}, more than a card should ({gigabytes(situation.largest)}). {allow}"
    return None


def is_not_needed(disk: Device, situation: Situation) -> str | None:
    """Refuse the disk of the running system, of the working directory or of the image."""
    names = {name for device in disk.everything() for name in (device.name, device.kernel_name)}
    for path, source in situation.needed.items():
        if source in names:
            return f"holds {path}, which is needed now. Name another disk"
    return None


def is_not_mounted(disk: Device, situation: Situation) -> str | None:
    """Refuse a disk that is mounted, except by the desktop when the card was inserted."""
    mounted = [(device, point) for device in disk.everything() for point in device.mounted_at]
    for device, point in mounted:
        if point == "[SWAP]":
            return f"is used for swap ({device.name}). `swapoff {device.name}` frees it"
        if SYSTEM.match(point):
            return f"holds the system of this computer: {device.name} is mounted at {point}. Name another disk"
        if not MOUNTED_BY_DESKTOP.match(point):
            return f"is in use: {device.name} is mounted at {point}. `umount {point}` frees it, if it is meant"
    if mounted and "overlay" in situation.needed.values():
        # The disk below an overlay may be mounted anywhere.
        return f"may hold the running system, which is an overlay: {mounted[0][0].name} is mounted. Unmount it"
    return None


def is_not_a_part_of_a_volume(disk: Device, situation: Situation) -> str | None:
    """Refuse a disk that LVM, LUKS, md or ZFS uses without mounting it."""
    for device in disk.everything():
        if device.filesystem == "zfs_member":
            return f"belongs to a ZFS pool ({device.name}). `zpool export` it, or `wipefs --all` where it is an old one"
        if device is disk or device.kind == "part":
            continue
        kind = "raid" if device.kind.startswith("raid") else device.kind
        freed_by = {"lvm": "`vgchange -an`", "crypt": "`cryptsetup close`", "raid": "`mdadm --stop`"}.get(
            kind, "Closing it"
        )
        return f"is in use by {device.name} ({device.kind}). {freed_by} frees it, if it is meant"
    return None


CHECKS: tuple[Check, ...] = (
    is_a_whole_disk,
    can_be_plugged_in,
    can_be_written,
    has_a_card,
    is_large_enough,
    is_no_larger_than_cards_are,
    is_not_needed,
    is_not_mounted,
    is_not_a_part_of_a_volume,
)


def refusals(disk: Device, situation: Situation) -> Iterator[str]:
    """Yield every reason why the disk must not be written."""
    for check in CHECKS:
        if reason := check(disk, situation):
            yield reason
            if check is is_a_whole_disk:
                return


def require(disk: Device, situation: Situation) -> None:
    """Raise Refused with all reasons, if there are any."""
    if reasons := list(refusals(disk, situation)):
        raise Refused("\n".join(f"{disk.name} {reason}." for reason in reasons))


def require_serial(disk: Device, serial: str, devices: Sequence[Device]) -> None:
    """Raise Refused unless only this disk has the serial number, which replaces the confirmation."""
    if not disk.serial:
        raise Refused(f"{disk.name} has no serial number to compare with: leave SERIAL out and type the name instead")
    if disk.serial != serial:
        raise Refused(
            f"{disk.name} ({disk.model}) has the serial number {disk.serial}, not {serial}. It is another disk"
        )
    twins = [one.name for one in devices if one.kind == "disk" and one.serial == serial and one.size]
    if len(twins) > 1:
        raise Refused(f"the serial number {serial} is that of {' and '.join(twins)}: disconnect all but one")


def require_the_same(disk: Device, devices: Sequence[Device]) -> None:
    """Raise Refused if the disk was disconnected or replaced since it was checked."""
    now = next((one for one in devices if one.name == disk.name), None)
    if now is None or (now.number, now.size, now.serial, now.model) != (
        disk.number,
        disk.size,
        disk.serial,
        disk.model,
    ):
        raise Refused(f"{disk.name} is no longer the disk that was checked: begin again")


def description(disk: Device, stable_name: str = "") -> str:
    """Return the description that the user confirms: the disk and its content."""
    lines = [f"{disk.name}  {disk.model or 'unknown model'}  serial {disk.serial or 'none'}  {gigabytes(disk.size)}"]
    if stable_name:
        lines.append(f"  {stable_name}")
    for device in disk.everything():
        if device.filesystem or device.mounted_at:
            what = " ".join(
                filter(None, (device.filesystem, device.label and f'"{device.label}"', gigabytes(device.size)))
            )
            where = f", mounted at {', '.join(device.mounted_at)}" if device.mounted_at else ""
            lines.append(f"  holds {device.short_name}: {what}{where}")
    return "\n".join(lines)
