"""The location of the boot partition in an image: read from its MBR or GPT, and from the partition's first sector.

Sources: UEFI specification 2.10, chapter 5 (both tables); Microsoft's FAT specification 1.03 (the first sector).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from deploy.flash.errors import Refused

SECTOR = 512  # bytes; the unit of the partition tables of Raspberry Pi OS and Debian
FAT_TYPES = {0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF}
GPT_TYPE = 0xEE
EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
BASIC_DATA = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")

ReadAt = Callable[[int, int], bytes]
"""Return bytes of an image from an offset (first argument), as many as the second argument, or fewer at its end."""


@dataclass(frozen=True)
class Partition:
    """A part of an image, in bytes."""

    start: int
    size: int


def boot_partition(read_at: ReadAt, image_size: int) -> Partition:
    """Return the first FAT partition of an image. Raises Refused if there is none or it has no FAT file system."""
    head = read_at(0, SECTOR)
    if head[510:512] != b"\x55\xaa":
        raise Refused("the image has no partition table: it is not the image of a disk, or still packed")
    entries = list(_mbr(head))
    kinds = {kind for kind, _ in entries}
    candidates = list(_gpt(read_at)) if GPT_TYPE in kinds else [place for kind, place in entries if kind in FAT_TYPES]
    if not candidates:
        raise Refused("the image has no boot partition (FAT): it is no image of Raspberry Pi OS or of Debian")
    # Ascending offsets, so that a packed image is unpacked once and only as far as needed.
    for partition in sorted(candidates, key=lambda one: one.start):
        if partition.start + partition.size > image_size:
            raise Refused("the image ends before its boot partition does: it is cut short")
        if _is_fat(read_at(partition.start, SECTOR)):
            return partition
    raise Refused("the boot partition of the image holds no FAT file system: the image is damaged or encrypted")


def _mbr(head: bytes) -> Iterator[tuple[int, Partition]]:
    for index in range(4):
        kind, first, count = struct.unpack_from("<4xB3xII", head, 446 + 16 * index)
        if kind:
            yield kind, Partition(first * SECTOR, count * SECTOR)


def _gpt(read_at: ReadAt) -> Iterator[Partition]:
    header = read_at(SECTOR, SECTOR)
    if header[:8] != b"EFI PART":
        raise Refused("the image announces a GPT partition table and has none: it is damaged")
    table, count, length = struct.unpack_from("<QII", header, 72)
    if not (count <= 1024 and 128 <= length <= 4096):
        raise Refused("the GPT partition table of the image is damaged")
    entries = read_at(table * SECTOR, count * length)
    for offset in range(0, len(entries) - 127, length):
        if UUID(bytes_le=entries[offset : offset + 16]) in (EFI_SYSTEM, BASIC_DATA):
            first, last = struct.unpack_from("<QQ", entries, offset + 32)
            yield Partition(first * SECTOR, (last - first + 1) * SECTOR)


def _is_fat(sector: bytes) -> bool:
    return sector[510:512] == b"\x55\xaa" and (sector[54:57] == b"FAT" or sector[82:87] == b"FAT32")
