"""Computers as `lsblk --all --json --bytes --paths` reports them, each with a disk that must or must not be written.

The columns and the oddities are those of util-linux 2.38 to 2.41: a device that is not mounted has one mount point,
null; a reader without a card is a disk of size 0; volumes lie below the partition they are made of.
"""

import json
from typing import Any

GB = 10**9
Entry = dict[str, Any]


def device(name: str, number: str, size: int, **columns: Any) -> Entry:
    """Return one entry of the report; columns that are not given are as for an empty, built-in disk."""
    path = name if name.startswith("/") else f"/dev/{name}"
    entry: Entry = {
        "name": path,
        "kname": columns.pop("kname", path),
        "maj:min": number,
        "type": "disk",
        "rm": False,
        "hotplug": False,
        "ro": False,
        "size": size,
        "tran": None,
        "subsystems": "block",
        "vendor": None,
        "model": None,
        "serial": None,
        "fstype": None,
        "label": None,
        "mountpoints": [None],
    }
    assert columns.keys() <= {*entry, "children"}
    return entry | columns


def part(name: str, number: str, size: int, fstype: str | None, *mountpoints: str, **columns: Any) -> Entry:
    """Return a partition."""
    stated: Entry = {"type": "part", "fstype": fstype, "mountpoints": list(mountpoints or [None])}
    return device(name, number, size, **{**stated, **columns})


def usb(name: str, number: str, size: int, model: str, serial: str | None, **columns: Any) -> Entry:
    """Return a USB disk or a card in a USB reader."""
    stated = {
        "rm": True,
        "hotplug": True,
        "tran": "usb",
        "subsystems": "block:scsi:usb:pci",
        "vendor": "Generic ",
        "model": model,
        "serial": serial,
    }
    return device(name, number, size, **{**stated, **columns})


def card(name: str, number: str, size: int, **columns: Any) -> Entry:
    """Return an SD card in a slot of its own; its serial number is the card's."""
    stated = {"hotplug": True, "subsystems": "block:mmc:mmc_host:pci", "model": "SC32G", "serial": "0x5b3a91c2"}
    return device(name, number, size, **{**stated, **columns})


NVME = device(
    "nvme0n1",
    "259:0",
    512110190592,
    tran="nvme",
    subsystems="block:nvme:pci",
    model="SAMSUNG MZVL2512HCJQ-00BL7",
    serial="S64KNX0T123456",
    children=[
        part("nvme0n1p1", "259:1", 1 * GB, "vfat", "/boot/efi"),
        part(
            "nvme0n1p2",
            "259:2",
            511 * GB,
            "crypto_LUKS",
            children=[
                device(
                    "/dev/mapper/root",
                    "254:0",
                    511 * GB,
                    kname="/dev/dm-0",
                    type="crypt",
                    fstype="ext4",
                    mountpoints=["/home", "/"],
                )
            ],
        ),
    ],
)
ZRAM = device("zram0", "253:0", 8 * GB, mountpoints=["[SWAP]"])
LOOP = device("loop0", "7:0", 71 * 10**6, type="loop", ro=True, fstype="squashfs", mountpoints=["/snap/core22/1122"])
RASPBERRY_PI_OS = [
    part("sda1", "8:1", 536870912, "vfat", label="bootfs"),
    part("sda2", "8:2", 31 * GB, "ext4", label="rootfs"),
]


def mounted(*points: str) -> list[Entry]:
    """Return the partitions of a card in sda, mounted at these points."""
    return [entry | {"mountpoints": [point]} for entry, point in zip(RASPBERRY_PI_OS, points, strict=True)]


# A laptop with NVMe, and what can be found in its reader or USB port: all of it /dev/sda.
PLUGGED_IN: dict[str, Entry] = {
    "empty card": usb("sda", "8:0", 31914983424, "STORAGE DEVICE", "000000001206"),
    "card of a Pi": usb("sda", "8:0", 31914983424, "STORAGE DEVICE", "000000001206", children=RASPBERRY_PI_OS),
    "card the desktop mounted": usb(
        "sda",
        "8:0",
        31914983424,
        "STORAGE DEVICE",
        "000000001206",
        children=mounted("/media/jo/bootfs", "/run/media/jo/rootfs"),
    ),
    "SSD that does not call itself removable": usb(
        "sda", "8:0", 128035676160, "Portable SSD", "MSFT30A1", rm=False, hotplug=False
    ),
    "NVMe in a USB case": usb("sda", "8:0", 250059350016, "RTL9210B-CG", "012345678906", rm=False),
    "locked LUKS": usb(
        "sda", "8:0", 31914983424, "Ultra Fit", "4C5300", children=[part("sda1", "8:1", 31 * GB, "crypto_LUKS")]
    ),
    "no card": usb("sda", "8:0", 0, "STORAGE DEVICE", "000000001206"),
    "locked card": usb("sda", "8:0", 31914983424, "STORAGE DEVICE", "000000001206", ro=True),
    "small card": usb("sda", "8:0", 1967128576, "STORAGE DEVICE", "000000001206"),
    "backup disk": usb("sda", "8:0", 4000787030016, "Elements 25A3", "575832314441", rm=False),
    "mounted home": usb(
        "sda", "8:0", 64 * GB, "Extreme", "AA01", children=[part("sda1", "8:1", 64 * GB, "ext4", "/home/jo")]
    ),
    "mounted elsewhere": usb(
        "sda", "8:0", 64 * GB, "Extreme", "AA01", children=[part("sda1", "8:1", 64 * GB, "ext4", "/mnt/work")]
    ),
    "mounted whole": usb("sda", "8:0", 64 * GB, "Extreme", "AA01", fstype="ext4", mountpoints=["/srv"]),
    "swap": usb("sda", "8:0", 64 * GB, "Extreme", "AA01", children=[part("sda1", "8:1", 64 * GB, "swap", "[SWAP]")]),
    "LVM": usb(
        "sda",
        "8:0",
        64 * GB,
        "Extreme",
        "AA01",
        children=[
            part(
                "sda1",
                "8:1",
                64 * GB,
                "LVM2_member",
                children=[
                    device("/dev/mapper/vault-photos", "254:3", 60 * GB, kname="/dev/dm-3", type="lvm", fstype="xfs")
                ],
            )
        ],
    ),
    "open LUKS": usb(
        "sda",
        "8:0",
        64 * GB,
        "Extreme",
        "AA01",
        fstype="crypto_LUKS",
        children=[device("/dev/mapper/luks-1f", "254:4", 60 * GB, kname="/dev/dm-4", type="crypt", fstype="ext4")],
    ),
    "md raid": usb(
        "sda",
        "8:0",
        64 * GB,
        "Extreme",
        "AA01",
        children=[
            part(
                "sda1", "8:1", 64 * GB, "linux_raid_member", children=[device("md127", "9:127", 64 * GB, type="raid1")]
            ),
        ],
    ),
    "ZFS": usb(
        "sda", "8:0", 64 * GB, "Extreme", "AA01", children=[part("sda1", "8:1", 64 * GB, "zfs_member", label="tank")]
    ),
    "overlayroot": usb("sda", "8:0", 64 * GB, "Extreme", "AA01", children=mounted("/media/jo/boot", "/media/root-ro")),
    "SATA in a bay": device(
        "sda",
        "8:0",
        120 * GB,
        hotplug=True,
        rm=True,
        tran="sata",
        subsystems="block:scsi:pci",
        model="KINGSTON SA400",
        serial="50026B",
    ),
    "SATA disk": device(
        "sda", "8:0", 120 * GB, tran="sata", subsystems="block:scsi:pci", model="KINGSTON SA400", serial="50026B"
    ),
    "virtual disk": device("sda", "8:0", 20 * GB, tran="virtio", subsystems="block:virtio:pci"),
    "without transport": device("sda", "8:0", 20 * GB, subsystems="block:xen"),
}


def laptop(plugged_in: str) -> str:
    """Return what lsblk prints on the laptop with this plugged in."""
    return report(NVME, PLUGGED_IN[plugged_in], ZRAM, LOOP)


PI_ON_SD = (
    card(
        "mmcblk0",
        "179:0",
        31914983424,
        children=[
            part("mmcblk0p1", "179:1", 536870912, "vfat", "/boot/firmware", label="bootfs"),
            part("mmcblk0p2", "179:2", 31 * GB, "ext4", "/", label="rootfs"),
        ],
    ),
    usb("sda", "8:0", 15931539456, "STORAGE DEVICE", "000000001206"),
    device("zram0", "254:0", 2 * GB, mountpoints=["[SWAP]"]),
)
TABLET_WITH_EMMC = (
    device("mmcblk0", "179:0", 62537072640, subsystems="block:mmc:mmc_host:platform", model="DF4064", serial="0x11"),
    device("mmcblk0boot0", "179:8", 4194304, ro=True, subsystems="block:mmc:mmc_host:platform"),
    card("mmcblk1", "179:16", 31914983424),
)
TWO_READERS = (
    NVME,
    usb("sda", "8:0", 31914983424, "STORAGE DEVICE", "000000001206"),
    usb("sdb", "8:16", 31914983424, "STORAGE DEVICE", "000000001206"),
)
READER_WITH_TWO_SLOTS = (
    usb("sda", "8:0", 31914983424, "MassStorageClass", "000000001538"),
    usb("sdb", "8:16", 0, "MassStorageClass", "000000001538"),
)


def report(*entries: Entry) -> str:
    """Return the JSON that lsblk prints."""
    return json.dumps({"blockdevices": entries})
