"""From image to card, on plain files: what arrives, and what is said when it does not."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.flash import card, disks, firstboot
from deploy.flash.__main__ import main
from deploy.flash.card import Console, Order
from deploy.flash.errors import Refused, Spoiled
from deploy.flash.image import Image
from tests.flash import machines
from tests.flash.conftest import (
    BOOT_SIZE,
    BOOT_START,
    COMMAND_LINE,
    MIB,
    ROOT,
    TEMPLATES,
    Made,
    boot_file,
    run,
)

FILES = {
    "user-data": b"#cloud-config\nhostname: pi-garage\n",
    "meta-data": b"instance-id: pi-garage-1a2b\n",
    "network-config": b"# cable\n",
    "ssh": b"",
    firstboot.ADDITION: b"ds=nocloud;i=pi-garage-1a2b",
}


class Screen(io.StringIO):
    """Keeps what was shown; does something the first time that certain words appear."""

    def __init__(self, words: str = "", happens: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._words, self._happens = words, happens

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._words and self._words in text:
            self._words = ""
            self._happens()
        return written


def nobody(question: str) -> str:
    raise AssertionError(f"asked: {question}")


def flash(image: Made, device: Path, screen: Screen | None = None, answer: str | None = None, **order: object) -> str:
    """Write a card; return what was shown."""
    stream = screen or Screen()
    ask = nobody if answer is None else lambda _: answer or ""
    given = {"sha256": image.sha256, "files": FILES, **order}
    card.write_card(Order(image=image.path, device=device, **given), Console(stream, ask))  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.fixture
def raw(tmp_path: Path, pi_os: Made) -> Made:
    """Return the image of Raspberry Pi OS, not packed, in a file that may be changed."""
    (tmp_path / "raspios.img").write_bytes(pi_os.content)
    return Made(tmp_path / "raspios.img", "", pi_os.content)


def test_a_card_holds_the_image_and_in_its_boot_partition_the_files(tmp_path: Path, pi_os: Made) -> None:
    target = tmp_path / "card"
    shown = flash(pi_os, target)
    for name, content in FILES.items():
        if name != firstboot.ADDITION:
            assert boot_file(target, name).encode() == content
    assert boot_file(target, "cmdline.txt") == COMMAND_LINE.strip() + " ds=nocloud;i=pi-garage-1a2b\n"
    assert boot_file(target, "config.txt") == TEMPLATES["config.txt"]
    found = target.read_bytes()
    assert len(found) == len(pi_os.content)
    assert found[:BOOT_START] == pi_os.content[:BOOT_START]
    assert found[BOOT_START + BOOT_SIZE :] == pi_os.content[BOOT_START + BOOT_SIZE :]
    assert [line.partition(":")[0] for line in shown.splitlines() if " in " in line] == [
        "checksum",
        "prepare",
        "write",
        "verify",
        "inject",
        "verify",
    ]
    assert "customised before" not in shown
    assert target.stat().st_mode & 0o077 == 0, "the files hold the key of the Wi-Fi"


def test_a_debian_cloud_image_gets_the_label_for_cloud_init(tmp_path: Path, debian: Made) -> None:
    flash(debian, tmp_path / "card")
    assert "is CIDATA" in run("mlabel", "-s", "-i", f"{tmp_path / 'card'}@@{BOOT_START}", "::")
    assert boot_file(tmp_path / "card", "user-data").encode() == FILES["user-data"]
    assert "cmdline.txt" not in run("mdir", "-b", "-i", f"{tmp_path / 'card'}@@{BOOT_START}", "::")


def test_an_image_of_odd_size_is_written_to_its_last_byte(tmp_path: Path, raw: Made) -> None:
    raw.path.write_bytes(raw.content + b"the last bytes")
    odd = Made(raw.path, run("sha256sum", str(raw.path)).split()[0], raw.path.read_bytes())
    target = tmp_path / "card"
    target.write_bytes(b"\xff" * (len(odd.content) + MIB))
    flash(odd, target, answer="card\n")
    found = target.read_bytes()
    assert found[BOOT_START + BOOT_SIZE : len(odd.content)] == odd.content[BOOT_START + BOOT_SIZE :]
    assert found[len(odd.content) :] == b"\xff" * MIB


def change(image: Made, name: str, text: str | None) -> Made:
    """Return the image with another file in its boot partition, or without it."""
    place = f"{image.path}@@{BOOT_START}"
    if text is None:
        run("mdel", "-i", place, f"::/{name}")
    else:
        run("mcopy", "-o", "-i", place, "-", f"::/{name}", given=text)
    return Made(image.path, run("sha256sum", str(image.path)).split()[0], b"")


def test_an_image_that_was_customised_before_is_made_this_host_s(tmp_path: Path, raw: Made) -> None:
    change(raw, "user-data", "#cloud-config\nhostname: other\n")
    changed = change(raw, "cmdline.txt", COMMAND_LINE.strip() + " ds=nocloud;i=rpi-imager-17\n")
    shown = flash(changed, tmp_path / "card")
    assert "had been customised before; that is replaced" in shown
    assert boot_file(tmp_path / "card", "user-data").encode() == FILES["user-data"]
    assert boot_file(tmp_path / "card", "cmdline.txt") == COMMAND_LINE.strip() + " ds=nocloud;i=pi-garage-1a2b\n"


def test_an_image_that_would_not_read_the_files_is_refused(tmp_path: Path, raw: Made) -> None:
    prepared = change(raw, "cmdline.txt", COMMAND_LINE.strip() + " systemd.run=/boot/firstrun.sh\n")
    with pytest.raises(Refused, match="prepared by another program"):
        flash(prepared, tmp_path / "card")
    change(raw, "meta-data", None)
    bookworm = change(raw, "user-data", None)
    with pytest.raises(Refused, match="does not configure itself with cloud-init"):
        flash(bookworm, tmp_path / "card")
    neither = change(raw, "cmdline.txt", None)
    with pytest.raises(Refused, match="neither that of Raspberry Pi OS nor that of a Debian cloud image"):
        flash(neither, tmp_path / "card")
    assert not (tmp_path / "card").exists()


def test_a_full_boot_partition_is_refused_before_anything_is_written(tmp_path: Path, pi_os: Made) -> None:
    with pytest.raises(Refused, match=r"user-data did not arrive .* its file system is full or damaged"):
        flash(pi_os, tmp_path / "card", files=FILES | {"user-data": b"#" * BOOT_SIZE})
    assert not (tmp_path / "card").exists()


def test_a_wrong_checksum_leaves_the_card_as_it_was(tmp_path: Path, pi_os: Made) -> None:
    target = tmp_path / "card"
    target.write_bytes(b"photographs".ljust(len(pi_os.content)))
    with pytest.raises(Refused, match="download it again"):
        flash(pi_os, target, sha256="ab" * 32, serial="card")
    assert target.read_bytes() == b"photographs".ljust(len(pi_os.content))


def test_an_image_that_changes_while_it_is_written_is_noticed(tmp_path: Path, raw: Made) -> None:
    image = Made(raw.path, run("sha256sum", str(raw.path)).split()[0], b"")

    def changes() -> None:
        with raw.path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"!")

    with pytest.raises(Spoiled, match=r"(?s)SHA-256.*cannot be used as it is: write it again"):
        flash(image, tmp_path / "card", Screen("write:", changes))


@pytest.mark.parametrize(
    ("words", "offset"),
    [("write: 5", 50 * MIB), ("inject: 4", BOOT_START + BOOT_SIZE - MIB)],
    ids=["in the image", "in the boot partition"],
)
def test_a_flipped_bit_is_found_by_reading_back(tmp_path: Path, pi_os: Made, words: str, offset: int) -> None:
    target = tmp_path / "card"

    def flips() -> None:
        with target.open("r+b") as file:
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 4]))

    with pytest.raises(Spoiled, match=r"what is read back at \d+ MB is not what was written"):
        flash(pi_os, target, Screen(words, flips))


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C be one, also where the tests run in the background: a shell lets those ignore it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_writing_says_that_the_card_is_not_usable(tmp_path: Path, pi_os: Made) -> None:
    with pytest.raises(Spoiled, match=r"stopped. .*card holds a part of the image and cannot be used"):
        flash(pi_os, tmp_path / "card", Screen("write:  3", lambda: os.kill(os.getpid(), signal.SIGINT)))


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_before_that_leaves_the_card_alone(tmp_path: Path, pi_os: Made) -> None:
    with pytest.raises(KeyboardInterrupt):
        flash(pi_os, tmp_path / "card", Screen("checksum:", lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert not (tmp_path / "card").exists()


@pytest.mark.parametrize(
    ("call", "error", "complaint"),
    [
        ("pwrite", errno.ENODEV, "writing .*card failed at 21 MB: No such device. Was it pulled out"),
        ("pwrite", errno.EIO, "failed at 21 MB: Input/output error. Was it pulled out"),
        ("pwrite", errno.ENOSPC, "failed at 21 MB: No space left on device. Make room"),
        ("preadv", errno.EIO, "reading back .*card failed at 21 MB: Input/output error"),
        ("fsync", errno.EIO, "Input/output error"),
    ],
)
def test_a_device_that_fails_is_told_with_the_place(
    tmp_path: Path, pi_os: Made, monkeypatch: pytest.MonkeyPatch, call: str, error: int, complaint: str
) -> None:
    real = getattr(os, call)

    def fails(descriptor: int, *arguments: object) -> object:
        if call == "fsync" or arguments[-1] == 20 * MIB:
            raise OSError(error, os.strerror(error))
        return real(descriptor, *arguments)

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(Spoiled, match=complaint) as caught:
        flash(pi_os, tmp_path / "card")
    assert "cannot be used as it is: write it again" in str(caught.value)


def test_a_file_too_small_or_without_room_is_refused(tmp_path: Path, pi_os: Made, raw: Made) -> None:
    (tmp_path / "card").write_bytes(b"")
    with pytest.raises(Refused, match="is too small: it has 0 bytes, the image needs"):
        flash(pi_os, tmp_path / "card")
    os.truncate(raw.path, 8 * 1024**4)
    with pytest.raises(Refused, match=r"has no room: the image needs 8796.1 GB"):
        flash(raw, tmp_path / "new")
    with pytest.raises(Refused, match="is the image itself"):
        flash(raw, raw.path)


@pytest.mark.parametrize("device", ["/dev/sdzz", "/dev/null", "/proc", "/nowhere/card"])
def test_a_target_that_is_neither_disk_nor_file_is_refused(pi_os: Made, device: str) -> None:
    with pytest.raises(Refused):
        flash(pi_os, Path(device))


def test_a_file_that_exists_is_overwritten_by_its_name_only(tmp_path: Path, pi_os: Made) -> None:
    target = tmp_path / "card"
    target.touch()
    os.truncate(target, len(pi_os.content))
    for answer in ("", "y", "cards"):
        with pytest.raises(Refused, match="is not card: nothing was written"):
            flash(pi_os, target, answer=answer)
    with pytest.raises(Refused, match=r"is not 0x11. In place of a serial number a file has its name"):
        flash(pi_os, target, serial="0x11")


# A disk needs root and hardware; everything up to opening it is tried with an lsblk that reports another machine.


def on_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: str) -> None:
    """Put an lsblk first in the path that prints this report."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "report.json").write_text(report, encoding="utf-8")
    (tools / "lsblk").write_text(f"#!/bin/sh\ncat {tools}/report.json\n", encoding="utf-8")
    (tools / "lsblk").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")


def choose(image: Made, answer: str, **order: object) -> tuple[disks.Device, str]:
    screen = Screen()
    asked = Order(image.path, image.sha256, Path("/dev/sda"), FILES, **order)  # type: ignore[arg-type]
    return card.choose(asked, Image(image.path, image.sha256), Console(screen, lambda _: answer)), screen.getvalue()


def test_a_disk_is_shown_and_chosen_by_typing_its_name(
    tmp_path: Path, pi_os: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_machine(tmp_path, monkeypatch, machines.laptop("card of a Pi"))
    for answer in ("sda", "/dev/sda"):
        disk, shown = choose(pi_os, answer)
        assert disk.name == "/dev/sda"
        assert "Generic STORAGE DEVICE  serial 000000001206  31.9 GB" in shown
    for answer in ("", "yes", "sdb"):
        with pytest.raises(Refused, match="is not sda: nothing was written"):
            choose(pi_os, answer)
    assert choose(pi_os, "", serial="000000001206")[0].name == "/dev/sda"
    with pytest.raises(Refused, match="It is another disk"):
        choose(pi_os, "sda", serial="0x5b3a91c2")


def test_a_disk_in_use_is_refused_before_anybody_is_asked(
    tmp_path: Path, pi_os: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_machine(tmp_path, monkeypatch, machines.laptop("mounted home"))
    with pytest.raises(Refused, match="is in use: /dev/sda1 is mounted at /home/jo"):
        choose(pi_os, "sda", serial="AA01")


def test_the_list_of_disks_says_which_may_be_written_and_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_machine(tmp_path, monkeypatch, machines.report(*machines.PI_ON_SD))
    assert main(["disks"]) == 0
    shown = capsys.readouterr().out
    assert "no: it holds the system of this computer: /dev/mmcblk0p1 is mounted at /boot/firmware" in shown
    assert shown.endswith("/dev/sda  Generic STORAGE DEVICE  serial 000000001206  15.9 GB\n  may be written\n")
    assert "zram" not in shown


def written(folder: Path) -> Path:
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "SHA256 is missing: give the one published beside the image, or put it into raspios.img.xz.sha256"),
        (["--sha256", "abc"], "SHA256 'abc' is none: it has 64 hexadecimal digits"),
        (["--sha256", "ab" * 32, "--files", "/nowhere"], "the first-boot files in /nowhere cannot be read"),
        (["--sha256", "ab" * 32, "--image", "/nowhere.img"], "the image /nowhere.img cannot be read"),
        (["--sha256", "{sha256}"], "nobody can type the name of the disk here: pass its serial number (SERIAL=...)"),
    ],
    ids=["no checksum", "half a checksum", "no files", "no image", "nobody to ask"],
)
def test_the_command_says_in_words_what_is_missing(
    tmp_path: Path, pi_os: Made, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    target = tmp_path / "card"
    target.touch()
    os.truncate(target, len(pi_os.content))
    folder = written(tmp_path / "files")
    given = ["--image", str(pi_os.path), "--device", str(target), "--files", str(folder)]
    given += [argument.format(sha256=pi_os.sha256) for argument in arguments]
    assert main(["write", *given]) == 1
    assert complaint in capsys.readouterr().err
    assert target.stat().st_blocks == 0, "something was written"


def test_the_checksum_may_lie_beside_the_image_as_it_is_published(tmp_path: Path, pi_os: Made) -> None:
    image = shutil.copy(pi_os.path, tmp_path)
    Path(f"{image}.sha256").write_text(f"{pi_os.sha256}  {pi_os.path.name}\n", encoding="utf-8")
    arguments = ["--image", image, "--device", str(tmp_path / "card"), "--files", str(written(tmp_path / "files"))]
    command = [sys.executable, "-m", "deploy.flash", "write", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"{tmp_path / 'card'} is ready\n")


def test_the_report_of_lsblk_in_these_tests_is_what_the_columns_say() -> None:
    entry = json.loads(machines.laptop("empty card"))["blockdevices"][0]
    assert {column.lower() for column in disks.COLUMNS.split(",")} == entry.keys() - {"children"}
