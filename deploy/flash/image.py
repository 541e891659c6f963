"""The image: a file with the content of the disk, uncompressed or compressed by xz.

The checksum is that of the downloaded file. It is compared before anything is written, and again with the bytes that
were written, because the file may change or be misread in between.
"""

import hashlib
import lzma
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, cast

from deploy.flash.errors import FlashError, Refused

BLOCK = 4 * 1024 * 1024  # bytes; a multiple of the erase blocks of common cards
AHEAD = 8  # blocks unpacked while an earlier one is being written


class Image:
    """An image and its published checksum (SHA-256, 64 hexadecimal digits)."""

    def __init__(self, path: Path, sha256: str) -> None:
        self.path = path
        self.sha256 = sha256.lower()
        try:
            with path.open("rb") as file:
                self.packed = file.read(6) == b"\xfd7zXZ\0"
        except OSError as error:
            raise Refused(f"the image {path} cannot be read: {error.strerror}") from None
        if not self.packed and path.suffix in {".xz", ".gz", ".zip", ".zst", ".bz2"}:
            raise Refused(f"the image {path} must be .img or .img.xz; unpack it first")
        self.packed_size = path.stat().st_size
        self.size = _unpacked_size(path) if self.packed else self.packed_size
        if not self.size:
            raise Refused(f"the image {path} is empty: download it again")

    def check(self, progress: Callable[[int], None]) -> None:
        """Compare the file with its checksum. Raises Refused if it differs."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                progress(file.tell())
        self._compare(digest.hexdigest())

    def blocks(self) -> Iterator[bytes]:
        """Yield the image block by block, unpacked by a thread of its own; every block but the last has BLOCK bytes.

        Raises Refused after the last block if the file does not match its checksum, or if it cannot be unpacked.
        """
        ready: queue.Queue[bytes | FlashError | None] = queue.Queue(AHEAD)
        stopped = threading.Event()

        def hand_over(item: bytes | FlashError | None) -> None:
            while not stopped.is_set():
                with suppress(queue.Full):
                    ready.put(item, timeout=0.2)
                    return

        def unpack() -> None:
            try:
                for block in self._unpacked(stopped):
                    hand_over(block)
                hand_over(None)
            except FlashError as error:
                hand_over(error)

        thread = threading.Thread(target=unpack, name="unpack", daemon=True)
        thread.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, FlashError):
                    raise item
                yield item
        finally:
            stopped.set()
            thread.join()

    def copy(self, start: int, size: int, target: Path, progress: Callable[[int], None]) -> None:
        """Copy a part of the image into a file, with holes in place of blocks of zeros."""
        with _readable(self.path), self._opened() as image:
            image.seek(start)
            blocks = (image.read(min(BLOCK, left)) for left in range(size, 0, -BLOCK))
            with target.open("wb") as file:
                for block in blocks:
                    if block == bytes(len(block)):
                        file.seek(len(block), 1)
                    else:
                        file.write(block)
                    progress(file.tell())
                file.truncate(size)

    @contextmanager
    def reading(self) -> Iterator[Callable[[int, int], bytes]]:
        """Provide a function that reads (offset, length); a packed image is unpacked once if offsets ascend."""
        with self._opened() as image:

            def read_at(offset: int, length: int) -> bytes:
                with _readable(self.path):
                    image.seek(offset)
                    return image.read(length)

            yield read_at

    def _unpacked(self, stopped: threading.Event) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            hashing = _Hashing(file)
            stream = cast("BinaryIO", hashing)
            with _readable(self.path), lzma.open(stream) if self.packed else nullcontext(stream) as image:
                while not stopped.is_set() and (block := image.read(BLOCK)):
                    yield block
            if not stopped.is_set():
                self._compare(hashing.digest.hexdigest())

    def _opened(self) -> BinaryIO:
        return lzma.open(self.path) if self.packed else self.path.open("rb")  # type: ignore[return-value]

    def _compare(self, found: str) -> None:
        if found != self.sha256:
            raise Refused(
                f"the image {self.path} has the SHA-256 {found}, not {self.sha256}: download it again, or compare with "
                f"the checksum published for this very file"
            )


class _Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Convert errors while reading or unpacking to Refused."""
    try:
        yield
    except (lzma.LZMAError, EOFError) as error:
        raise Refused(f"the image {path} is damaged or cut short ({error}): download it again") from None
    except OSError as error:
        raise Refused(f"the image {path} cannot be read: {error.strerror or error}") from None


def _unpacked_size(path: Path) -> int:
    """Return the unpacked size from the index at the end of an xz file, without unpacking it."""
    try:
        command = ["xz", "--robot", "--list", str(path)]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise Refused("xz is missing; the package is named xz-utils") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().removeprefix(f"xz: {path}: ")
        raise Refused(f"the image {path} is damaged or cut short ({reason}): download it again") from None
    totals = next(line for line in report.splitlines() if line.startswith("totals"))
    return int(totals.split("\t")[4])
