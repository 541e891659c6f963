"""The image: found whole, unpacked while it is written, and its boot partition found."""

import hashlib
import lzma
import struct
from pathlib import Path

import pytest

from deploy.flash.errors import Refused
from deploy.flash.image import BLOCK, Image
from deploy.flash.partitions import Partition, boot_partition
from tests.flash.conftest import BOOT_SIZE, BOOT_START, MIB, PI_OS, Made, run


def nothing(_: int) -> None:
    """Take the place of a progress bar."""


def image_of(path: Path, content: bytes) -> Image:
    path.write_bytes(content)
    return Image(path, hashlib.sha256(content).hexdigest())


def found(path: Path, size: int) -> Partition:
    """Return the boot partition of an image, taken to have that size."""
    with Image(path, "").reading() as read_at:
        return boot_partition(read_at, size)


def test_a_packed_image_is_unpacked_block_by_block(pi_os: Made) -> None:
    image = Image(pi_os.path, pi_os.sha256)
    image.check(nothing)
    blocks = list(image.blocks())
    assert image.size == len(pi_os.content)
    assert {len(block) for block in blocks[:-1]} == {BLOCK}
    assert b"".join(blocks) == pi_os.content


def test_an_image_packed_in_several_streams_is_read_to_its_end(tmp_path: Path) -> None:
    halves = lzma.compress(b"a" * 5000) + lzma.compress(b"b" * 5000)
    image = image_of(tmp_path / "image.xz", halves)
    assert (image.size, b"".join(image.blocks())) == (10_000, b"a" * 5000 + b"b" * 5000)


def test_a_wrong_checksum_is_refused_with_both(pi_os: Made) -> None:
    image = Image(pi_os.path, "ab" * 32)
    with pytest.raises(Refused, match=f"SHA-256 {pi_os.sha256}, not {'ab' * 32}: download it again"):
        image.check(nothing)
    with pytest.raises(Refused, match="SHA-256"):
        list(image.blocks())


def test_an_early_end_of_reading_leaves_no_thread_behind(pi_os: Made) -> None:
    blocks = Image(pi_os.path, pi_os.sha256).blocks()
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]  # joins


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("image.img.xz", lzma.compress(b"a" * 99999)[:-20], "is damaged or cut short"),
        ("image.img.xz", b"", "must be .img or .img.xz"),
        ("image.img.gz", b"\x1f\x8b", "must be .img or .img.xz; unpack it first"),
        ("image.img", b"", "is empty: download it again"),
    ],
    ids=["cut short", "an empty download", "another packer", "empty"],
)
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=complaint):
        Image(tmp_path / name, "")


def test_an_image_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file or directory"):
        Image(tmp_path / "raspios.img.xz", "")


def test_a_packed_image_with_a_damaged_middle_is_refused_where_it_is_read(tmp_path: Path, pi_os: Made) -> None:
    content = bytearray(pi_os.path.read_bytes())
    content[len(content) // 2] ^= 1
    image = image_of(tmp_path / "image.xz", bytes(content))
    with pytest.raises(Refused, match="is damaged or cut short"):
        list(image.blocks())


def test_the_boot_partition_is_found_in_both_kinds_of_table(pi_os: Made, debian: Made) -> None:
    for made in (pi_os, debian):
        assert found(made.path, len(made.content)) == Partition(BOOT_START, BOOT_SIZE)


def test_a_copy_of_a_part_is_the_part_with_holes_for_zeros(tmp_path: Path, pi_os: Made) -> None:
    Image(pi_os.path, pi_os.sha256).copy(BOOT_START, BOOT_SIZE, tmp_path / "boot", nothing)
    assert (tmp_path / "boot").read_bytes() == pi_os.content[BOOT_START : BOOT_START + BOOT_SIZE]
    assert (tmp_path / "boot").stat().st_blocks * 512 < BOOT_SIZE / 2


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("", "has no partition table"),
        ("label: dos\n1: start=2048, type=83\n", r"has no boot partition \(FAT\)"),
        ("label: gpt\n1: start=2048, type=L\n", r"has no boot partition \(FAT\)"),
        (PI_OS, "holds no FAT file system"),
    ],
    ids=["nothing", "no FAT in the MBR", "no EFI partition in the GPT", "FAT by name only"],
)
def test_an_image_without_a_usable_boot_partition_is_refused(tmp_path: Path, script: str, complaint: str) -> None:
    path = tmp_path / "image.img"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    if script:
        run("sfdisk", "--quiet", str(path), given=script)
    with pytest.raises(Refused, match=complaint):
        found(path, 64 * MIB)


def test_an_image_that_ends_within_its_boot_partition_is_refused(pi_os: Made) -> None:
    with pytest.raises(Refused, match="ends before its boot partition does"):
        found(pi_os.path, BOOT_START + MIB)


@pytest.mark.parametrize("field", [(72, 0), (80, 10**6), (84, 1)], ids=["place", "count", "length"])
def test_a_damaged_gpt_is_refused(tmp_path: Path, field: tuple[int, int]) -> None:
    path = tmp_path / "image.img"
    with path.open("wb") as file:
        file.truncate(MIB)
    run("sfdisk", "--quiet", str(path), given="label: gpt\n1: start=64, type=U\n")
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 512 + field[0], field[1])
    path.write_bytes(content)
    with pytest.raises(Refused):
        found(path, MIB)
    content[512:520] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(Refused, match="announces a GPT"):
        found(path, MIB)
