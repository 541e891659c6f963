"""All steps from an image to the card of one host."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deploy.flash import checks, disks, firstboot
from deploy.flash.errors import Refused, Spoiled
from deploy.flash.fat import BootFiles
from deploy.flash.image import BLOCK, Image
from deploy.flash.partitions import Partition, boot_partition
from deploy.flash.progress import Progress
from deploy.flash.target import Target, open_target


@dataclass(frozen=True)
class Order:
    """An image, the files to add, and the target. `serial`, if given, replaces the confirmation."""

    image: Path
    sha256: str
    device: Path
    files: Mapping[str, bytes]
    serial: str = ""
    largest: int = checks.LARGEST
    built_in_allowed: bool = False
    eject: bool = True


@dataclass(frozen=True)
class Console:
    """The user's terminal. `ask` asks a question and returns the answer; it raises Refused without a terminal."""

    stream: TextIO
    ask: Callable[[str], str]

    def say(self, text: str) -> None:
        """Show a line."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def progress(self, step: str, total: int) -> Progress:
        """Return the progress of a step over `total` bytes."""
        return Progress(step, total, self.stream)


def write_card(order: Order, console: Console) -> None:
    """Check everything, write the image, verify it, add the first-boot files, verify them, eject.

    Raises Refused before the first byte is written, Spoiled after that.
    """
    image = Image(order.image, order.sha256)
    with image.reading() as read_at:
        partition = boot_partition(read_at, image.size)
    disk = choose(order, image, console) if order.device.is_block_device() else None
    if disk is None:
        _choose_file(order, image, console)
    progress = console.progress("checksum", image.packed_size)
    image.check(progress)
    progress.finish()
    with tempfile.TemporaryDirectory(prefix="flash-") as folder:
        customised = Path(folder) / "boot"
        progress = console.progress("prepare", partition.size)
        image.copy(partition.start, partition.size, customised, progress)
        progress.finish()
        for line in customise(BootFiles(customised), order.files):
            console.say(line)
        with _claimed(order, disk, image) as target, _spoiling(order.device):
            write(image, target, console)
            inject(customised, partition, target, console)
            ejected = order.eject and target.eject()
    console.say(f"{order.device} is ready" + (" and ejected: take it out" if ejected else ""))


def choose(order: Order, image: Image, console: Console) -> disks.Device:
    """Return the disk after all checks and the confirmation by the user or the serial number."""
    devices = disks.survey()
    needed = disks.behind([Path("/"), Path.cwd(), order.image.resolve()])
    disk = checks.find(str(order.device.resolve()), devices)
    checks.require(disk, checks.Situation(image.size, devices, needed, order.largest, order.built_in_allowed))
    console.say(checks.description(disk, disks.stable_name(disk.name)))
    if order.serial:
        checks.require_serial(disk, order.serial, devices)
    else:
        _confirm(disk.short_name, console)
    return disk


def _choose_file(order: Order, image: Image, console: Console) -> None:
    """Check the target file; an existing file is overwritten only after confirmation."""
    path = order.device
    if path.parent == Path("/dev") or (path.exists() and not path.is_file()):
        raise Refused(f"{path} is neither a disk nor a file. `make flash` without DEVICE lists the disks")
    if not path.parent.is_dir():
        raise Refused(f"{path} cannot be created: there is no folder {path.parent}")
    if not path.exists():
        free = shutil.disk_usage(path.parent).free
        if free < image.size:
            raise Refused(
                f"{path} has no room: the image needs {disks.gigabytes(image.size)}, {disks.gigabytes(free)} are free"
            )
        return
    if path.samefile(order.image):
        raise Refused(f"{path} is the image itself")
    size = path.stat().st_size
    if size < image.size:
        raise Refused(f"{path} is too small: it has {size} bytes, the image needs {image.size}")
    console.say(f"{path}  a file of {disks.gigabytes(size)}")
    if order.serial and order.serial != path.name:
        raise Refused(f"{path} is not {order.serial}. In place of a serial number a file has its name")
    if not order.serial:
        _confirm(path.name, console)


def _confirm(name: str, console: Console) -> None:
    answer = console.ask(f"All data on it will be lost. Type {name} to continue: ")
    if answer.strip() not in {name, f"/dev/{name}"}:
        raise Refused(f"{answer.strip() or 'nothing'!r} is not {name}: nothing was written")


def customise(boot: BootFiles, files: Mapping[str, bytes]) -> Iterator[str]:
    """Write the first-boot files into a copy of the boot partition; yield messages for the user.

    Raises Refused if the image would not read them, because the host would then be unreachable.
    """
    names = boot.names()
    files = dict(files)
    addition = files.pop(firstboot.ADDITION).decode()
    if "cmdline.txt" in names:
        if not names & {"user-data", "meta-data"}:
            raise Refused(
                "the image does not configure itself with cloud-init, so the host could not be reached: "
                "take Raspberry Pi OS (64-bit) of 2025-11-24 or later"
            )
        present = boot.read("cmdline.txt").decode()
        if "systemd.run=" in present:
            raise Refused(
                "the image has been prepared by another program (systemd.run in cmdline.txt): take it as published"
            )
        files["cmdline.txt"] = firstboot.command_line(present, addition).encode()
    elif "EFI" not in names:
        raise Refused("the boot partition is neither that of Raspberry Pi OS nor that of a Debian cloud image")
    else:
        boot.name_volume(firstboot.CIDATA)
    if "user-data" in names and _says_something(boot.read("user-data")):
        yield "the image had been customised before; that is replaced"
    boot.write(files)


def _says_something(user_data: bytes) -> bool:
    """Return whether it contains more than comments, unlike that of a published image."""
    return any(line.strip() and not line.startswith(b"#") for line in user_data.splitlines())


@contextmanager
def _claimed(order: Order, disk: disks.Device | None, image: Image) -> Iterator[Target]:
    """Open the target exclusively, and make sure that it is still the confirmed disk."""
    if disk is not None:
        for point in (point for device in disk.everything() for point in device.mounted_at):
            disks.unmount(point)
    with open_target(order.device.resolve(), image.size) as target:
        if disk is not None:
            checks.require_the_same(disk, disks.survey())
            if (target.number, target.size()) != (disk.number, disk.size):
                raise Refused(f"{disk.name} is no longer the disk that was checked: begin again")
        yield target


def write(image: Image, target: Target, console: Console) -> None:
    """Write the image, then read it back. Raises Spoiled, or Refused if the image turns out to be damaged."""
    progress = console.progress("write", image.size)
    written: list[bytes] = []
    for block in image.blocks():
        target.write(len(written) * BLOCK, block)
        written.append(hashlib.sha256(block).digest())
        progress(min(len(written) * BLOCK, image.size))
    target.settle()
    progress.finish()
    progress = console.progress("verify", image.size)
    for number, digest in enumerate(written):
        _same(
            hashlib.sha256(target.read(number * BLOCK, min(BLOCK, image.size - number * BLOCK))).digest(),
            digest,
            number * BLOCK,
        )
        progress(min((number + 1) * BLOCK, image.size))
    progress.finish()


def inject(customised: Path, partition: Partition, target: Target, console: Console) -> None:
    """Write the changed blocks of the boot partition, then read all of it back. Raises Spoiled."""
    progress = console.progress("inject", partition.size)
    for offset, block in _blocks(customised):
        if target.read(partition.start + offset, len(block)) != block:
            target.write(partition.start + offset, block)
        progress(offset + len(block))
    target.settle()
    progress.finish()
    progress = console.progress("verify", partition.size)
    for offset, block in _blocks(customised):
        _same(target.read(partition.start + offset, len(block)), block, partition.start + offset)
        progress(offset + len(block))
    progress.finish()


def _blocks(path: Path) -> Iterable[tuple[int, bytes]]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield file.tell() - len(block), block


def _same(found: bytes, expected: bytes, offset: int) -> None:
    if found != expected:
        raise Spoiled(
            f"what is read back at {offset / 1e6:.0f} MB is not what was written: "
            "the card is worn out, or smaller than it reports. Use another one"
        )


@contextmanager
def _spoiling(device: Path) -> Iterator[None]:
    """Convert errors during writing to Spoiled: the card must not be used."""
    try:
        yield
    except (Refused, Spoiled) as error:
        raise Spoiled(f"{error}\n{device} cannot be used as it is: write it again") from None
    except KeyboardInterrupt:
        raise Spoiled(f"stopped. {device} holds a part of the image and cannot be used: write it again") from None
