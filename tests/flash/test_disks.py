"""Never the wrong disk."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.flash import checks, disks
from deploy.flash.errors import Refused
from tests.flash import machines

IMAGE = 2_800_000_000  # bytes: Raspberry Pi OS Lite, unpacked

WRITTEN = [
    "empty card",
    "card of a Pi",
    "card the desktop mounted",
    "SSD that does not call itself removable",
    "NVMe in a USB case",
    "locked LUKS",
]
REFUSED = {
    "no card": "has no card in it. Put one in",
    "locked card": "is read-only. Slide the switch",
    "small card": "is too small: it has 2.0 GB, the image needs 2.8 GB",
    "backup disk": "has 4000.8 GB, more than a card should (256.0 GB). If it is meant, --largest 4001 allows it",
    "mounted home": "is in use: /dev/sda1 is mounted at /home/jo",
    "mounted elsewhere": "is in use: /dev/sda1 is mounted at /mnt/work. `umount /mnt/work` frees it",
    "mounted whole": "is in use: /dev/sda is mounted at /srv",
    "swap": "is used for swap (/dev/sda1). `swapoff /dev/sda1` frees it",
    "LVM": "is in use by /dev/mapper/vault-photos (lvm). `vgchange -an` frees it",
    "open LUKS": "is in use by /dev/mapper/luks-1f (crypt). `cryptsetup close` frees it",
    "md raid": "is in use by /dev/md127 (raid1). `mdadm --stop` frees it",
    "ZFS": "belongs to a ZFS pool (/dev/sda1). `zpool export` it",
    "overlayroot": "is in use: /dev/sda2 is mounted at /media/root-ro",
    "SATA in a bay": "is built into this computer (sata). If it is meant, --built-in allows it",
    "SATA disk": "is built into this computer (sata)",
    "virtual disk": "is built into this computer (virtio)",
    "without transport": "is built into this computer (neither USB nor a card)",
}


def refused(
    report: str,
    name: str,
    *,
    needed: Mapping[str, str] | None = None,
    largest: int = checks.LARGEST,
    built_in: bool = False,
) -> list[str]:
    """Return why the disk of that name is refused on this machine."""
    devices = disks.read(report)
    situation = checks.Situation(IMAGE, devices, needed or {"/": "/dev/mapper/root"}, largest, built_in)
    return list(checks.refusals(checks.find(name, devices), situation))


def test_every_machine_is_tried() -> None:
    assert {*WRITTEN, *REFUSED} == set(machines.PLUGGED_IN)


@pytest.mark.parametrize("plugged_in", WRITTEN)
def test_a_card_or_stick_may_be_written(plugged_in: str) -> None:
    assert refused(machines.laptop(plugged_in), "/dev/sda") == []


@pytest.mark.parametrize(("plugged_in", "reason"), REFUSED.items(), ids=REFUSED)
def test_any_other_disk_is_refused_with_one_reason_and_what_would_do(plugged_in: str, reason: str) -> None:
    (given,) = refused(machines.laptop(plugged_in), "/dev/sda")
    assert given.startswith(reason)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/dev/sda1", "is a partition. An image replaces a whole disk: that would be /dev/sda"),
        ("/dev/nvme0n1p2", "is a partition. An image replaces a whole disk: that would be /dev/nvme0n1"),
        ("/dev/mapper/root", "is not a disk that can be plugged in, but of the kind crypt"),
        ("/dev/dm-0", "is not a disk that can be plugged in, but of the kind crypt"),
        ("/dev/zram0", "is not a disk that can be plugged in"),
        ("/dev/loop0", "is not a disk that can be plugged in, but of the kind loop"),
    ],
)
def test_only_a_whole_disk_is_written(name: str, reason: str) -> None:
    (given,) = refused(machines.laptop("card of a Pi"), name)
    assert given.startswith(reason)


def test_the_disk_of_the_laptop_is_refused_for_every_reason_there_is() -> None:
    reasons = refused(machines.laptop("empty card"), "/dev/nvme0n1")
    assert [reason.partition(".")[0] for reason in reasons] == [
        "is built into this computer (nvme)",
        "has 512",
        "holds /, which is needed now",
        "holds the system of this computer: /dev/nvme0n1p1 is mounted at /boot/efi",
        "is in use by /dev/mapper/root (crypt)",
    ]


@pytest.mark.parametrize(
    ("path", "source"),
    [("/", "/dev/sda2"), ("/work", "/dev/sda1"), ("/work/raspios.img.xz", "/dev/sda")],
)
def test_a_disk_in_use_is_refused_even_if_it_does_not_appear_mounted(path: str, source: str) -> None:
    (reason,) = refused(machines.laptop("card of a Pi"), "/dev/sda", needed={path: source})
    assert reason == f"holds {path}, which is needed now. Name another disk"


def test_a_pi_does_not_write_the_card_it_runs_from() -> None:
    report = machines.report(*machines.PI_ON_SD)
    reasons = refused(report, "/dev/mmcblk0", needed={"/": "/dev/mmcblk0p2"})
    assert [reason.partition(".")[0] for reason in reasons] == [
        "holds /, which is needed now",
        "holds the system of this computer: /dev/mmcblk0p1 is mounted at /boot/firmware",
    ]
    assert refused(report, "/dev/sda", needed={"/": "/dev/mmcblk0p2"}) == []


def test_a_card_that_is_mounted_is_refused_where_the_system_is_an_overlay() -> None:
    (reason,) = refused(machines.laptop("card the desktop mounted"), "/dev/sda", needed={"/": "overlay"})
    assert reason.startswith("may hold the running system, which is an overlay")


def test_soldered_memory_is_not_taken_for_a_card() -> None:
    report = machines.report(*machines.TABLET_WITH_EMMC)
    (reason,) = refused(report, "/dev/mmcblk0")
    assert reason.startswith("is memory soldered to this computer (eMMC)")
    assert refused(report, "/dev/mmcblk1") == []
    assert refused(report, "/dev/mmcblk0", built_in=True) == []


def test_a_confirmed_large_disk_is_written_but_never_one_in_use() -> None:
    assert refused(machines.laptop("backup disk"), "/dev/sda", largest=4001 * machines.GB) == []
    assert refused(machines.laptop("SATA disk"), "/dev/sda", built_in=True) == []
    assert len(refused(machines.laptop("empty card"), "/dev/nvme0n1", built_in=True, largest=10**12)) == 3


def test_a_name_that_is_no_disk_is_answered_with_those_that_are() -> None:
    with pytest.raises(Refused, match=r"/dev/sdb is no disk of this machine: it has /dev/nvme0n1, /dev/sda\. "):
        checks.find("/dev/sdb", disks.read(machines.laptop("card of a Pi")))


def test_a_serial_number_names_one_disk_or_is_refused() -> None:
    alone = disks.read(machines.report(*machines.READER_WITH_TWO_SLOTS))
    checks.require_serial(alone[0], "000000001538", alone)
    with pytest.raises(Refused, match="has the serial number 000000001538, not 000000001206"):
        checks.require_serial(alone[0], "000000001206", alone)
    twins = disks.read(machines.report(*machines.TWO_READERS))
    with pytest.raises(Refused, match="is that of /dev/sda and /dev/sdb alike: pull out all but one"):
        checks.require_serial(twins[1], "000000001206", twins)
    (nameless,) = disks.read(machines.report(machines.usb("sda", "8:0", 1, "Reader", None)))
    with pytest.raises(Refused, match="has no serial number"):
        checks.require_serial(nameless, "", [nameless])


@pytest.mark.parametrize(
    "change",
    [{"size": 15931539456}, {"serial": "000000001207"}, {"maj:min": "8:16"}, {"model": "Other"}, {"name": "/dev/sdb"}],
    ids=str,
)
def test_a_disk_that_was_replaced_in_the_meantime_is_refused(change: dict[str, object]) -> None:
    entry = machines.PLUGGED_IN["empty card"]
    (disk,) = before = disks.read(machines.report(entry))
    checks.require_the_same(disk, before)
    with pytest.raises(Refused, match="begin again"):
        checks.require_the_same(disk, disks.read(machines.report(entry | change)))


def test_the_disk_to_be_erased_is_shown_with_model_serial_and_size() -> None:
    disk, *_ = disks.read(machines.report(machines.PLUGGED_IN["card the desktop mounted"]))
    assert checks.description(disk, "/dev/disk/by-id/usb-Generic_0-0:0").splitlines() == [
        "/dev/sda  Generic STORAGE DEVICE  serial 000000001206  31.9 GB",
        "  /dev/disk/by-id/usb-Generic_0-0:0",
        '  holds sda1: vfat "bootfs" 0.5 GB, mounted at /media/jo/bootfs',
        '  holds sda2: ext4 "rootfs" 31.0 GB, mounted at /run/media/jo/rootfs',
    ]


@pytest.mark.parametrize("report", ["", "{}", '{"blockdevices": [{"name": "/dev/sda"}]}', "[]"])
def test_a_report_that_is_none_is_refused(report: str) -> None:
    with pytest.raises(Refused, match="lsblk reported something that cannot be read"):
        disks.read(report)


def test_the_disks_of_this_machine_can_be_read() -> None:
    devices = disks.survey()
    assert all(device.name.startswith("/dev/") for disk in devices for device in disk.everything())
    assert set(disks.behind([Path("/"), Path(sys.executable)])) == {"/", sys.executable}


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Refused, match="lsblk is missing"):
        disks.survey()
