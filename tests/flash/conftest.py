"""Small images, made without root: partition table, a FAT boot partition and what its makers put into it."""

import hashlib
import lzma
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
BOOT_START, BOOT_SIZE = 8 * MIB, 40 * MIB  # less, and a FAT32 with clusters of one sector would be a FAT16
COMMAND_LINE = (
    "console=serial0,115200 console=tty1 root=PARTUUID=1234abcd-02 rootfstype=ext4 fsck.repair=yes rootwait resize\n"
)
TEMPLATES = {
    "cmdline.txt": COMMAND_LINE,
    "config.txt": "camera_auto_detect=1\n",
    "user-data": "#cloud-config\n\n# Commented examples, as in the published image.\n#hostname: raspberrypi\n",
    "meta-data": "dsmode: local\ninstance_id: rpios-image\n",
    "network-config": "# Commented examples.\n",
}
TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "MTOOLSRC": "/dev/null"}

PI_OS = f"label: dos\nlabel-id: 0x1234abcd\n1: start={BOOT_START // 512}, size={BOOT_SIZE // 512}, type=c\n2: type=83\n"
# As Debian's cloud images are: the root partition is the first in the table and the last on the disk.
DEBIAN_CLOUD = f"""label: gpt
1: start={(BOOT_START + BOOT_SIZE) // 512}, type=L
14: start=2048, size=6144, type=21686148-6449-6E6F-744E-656564454649
15: start={BOOT_START // 512}, size={BOOT_SIZE // 512}, type=U
"""


def run(*command: str, given: str = "") -> str:
    """Run a tool and return what it printed."""
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, env=TOOLS).stdout


@dataclass(frozen=True)
class Made:
    """An image as it would be downloaded: the file, its checksum, and its content unpacked."""

    path: Path
    sha256: str
    content: bytes


def make_image(path: Path, table: str = PI_OS, files: dict[str, str] | None = None, size: int = 52 * MIB) -> Made:
    """Make an image with that partition table and those files in its boot partition; packed if its name says so."""
    raw = path.with_name(f"{path.name}.raw")
    with raw.open("wb") as file:
        file.truncate(size)
        # Something to unpack, write and compare, in the root partition.
        file.seek(BOOT_START + BOOT_SIZE)
        file.write(b"".join(hashlib.sha256(bytes([number % 256])).digest() for number in range(60_000)))
    run("sfdisk", "--quiet", str(raw), given=table)
    run(
        "mkfs.vfat",
        "-F",
        "32",
        "-s",
        "1",
        "-n",
        "bootfs",
        "--offset",
        str(BOOT_START // 512),
        str(raw),
        str(BOOT_SIZE // 1024),
    )
    for name, text in (TEMPLATES if files is None else files).items():
        folder, _, _ = name.rpartition("/")
        if folder:
            run("mmd", "-i", f"{raw}@@{BOOT_START}", f"::/{folder}")
        run("mcopy", "-i", f"{raw}@@{BOOT_START}", "-", f"::/{name}", given=text)
    content = raw.read_bytes()
    path.write_bytes(lzma.compress(content, preset=0) if path.suffix == ".xz" else content)
    raw.unlink()
    return Made(path, hashlib.sha256(path.read_bytes()).hexdigest(), content)


def boot_file(card: Path, name: str) -> str:
    """Return the content of a file of a card's boot partition."""
    return run("mtype", "-i", f"{card}@@{BOOT_START}", f"::/{name}")


@pytest.fixture(scope="session")
def pi_os(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a packed image like that of Raspberry Pi OS."""
    return make_image(tmp_path_factory.mktemp("image") / "raspios.img.xz")


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return an image like Debian's for clouds."""
    path = tmp_path_factory.mktemp("image") / "debian.img"
    return make_image(path, DEBIAN_CLOUD, {"EFI/boot.txt": "as Debian makes it\n"})
