"""The target: a disk, opened exclusively, or a regular file.

Writes and reads bypass the page cache (O_DIRECT) if the file system supports that. Otherwise each write is
synchronised, and the cache is dropped before reading. So the progress is accurate, and data is read back from the card.
"""

import errno
import fcntl
import mmap
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from deploy.flash.errors import FlashError, Refused, Spoiled
from deploy.flash.image import BLOCK

ALIGNMENT = 4096  # bytes; sufficient for O_DIRECT on every disk

# linux/fs.h, scsi/scsi_ioctl.h, linux/cdrom.h
BLKGETSIZE64 = 0x80081272
BLKRRPART = 0x125F
SCSI_IOCTL_DOORUNLOCK = 0x5381
CDROMEJECT = 0x5309

GONE = {errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENOMEDIUM, errno.EREMOTEIO}


class Target:
    """An open disk or file. Use as a context manager; `open_target` makes one."""

    def __init__(self, path: Path, descriptor: int, direct: bool) -> None:
        self.path = path
        self.is_disk = stat.S_ISBLK(os.fstat(descriptor).st_mode)
        self._descriptor = descriptor
        self._direct = direct
        self._buffer = mmap.mmap(-1, BLOCK)  # O_DIRECT requires aligned memory; a mapping begins at a page

    def __enter__(self) -> "Target":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def number(self) -> str:
        """The device numbers of the open disk, as lsblk shows them: 8:16."""
        device = os.fstat(self._descriptor).st_rdev
        return f"{os.major(device)}:{os.minor(device)}"

    def size(self) -> int:
        """Return its size in bytes."""
        if not self.is_disk:
            return os.fstat(self._descriptor).st_size
        (size,) = struct.unpack("Q", fcntl.ioctl(self._descriptor, BLKGETSIZE64, bytes(8)))
        return int(size)

    def write(self, offset: int, block: bytes) -> None:
        """Write at most BLOCK bytes. Raises Spoiled."""
        view = memoryview(self._buffer)[: len(block)]
        view[:] = block
        with _reported(self.path, "writing", offset), self._suited(offset, len(block)):
            done = 0
            while done < len(block):
                done += os.pwrite(self._descriptor, view[done:], offset + done)
            if not self._direct:
                os.fdatasync(self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """Read at most BLOCK bytes, fewer at the end. Raises Spoiled."""
        with _reported(self.path, "reading back", offset), self._suited(offset, length):
            done = 0
            while done < length:
                got = os.preadv(self._descriptor, [memoryview(self._buffer)[done:length]], offset + done)
                if not got:
                    break
                done += got
        return self._buffer[:done]

    def settle(self) -> None:
        """Wait until everything is written, and drop it from the page cache. Raises Spoiled."""
        with _reported(self.path, "writing", 0):
            os.fsync(self._descriptor)
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def eject(self) -> bool:
        """Eject the card, or let the kernel read its partitions again; return whether it was ejected."""
        if not self.is_disk:
            return False
        with suppress(OSError):  # not every reader has a lock
            fcntl.ioctl(self._descriptor, SCSI_IOCTL_DOORUNLOCK)
        try:
            fcntl.ioctl(self._descriptor, CDROMEJECT)
        except OSError:
            with suppress(OSError):
                fcntl.ioctl(self._descriptor, BLKRRPART)
            return False
        return True

    @contextmanager
    def _suited(self, offset: int, length: int) -> Iterator[None]:
        """Use the page cache for an unaligned block, such as the last one of an image."""
        if not self._direct or (offset % ALIGNMENT == 0 and length % ALIGNMENT == 0):
            yield
            return
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        try:
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            yield
            os.fdatasync(self._descriptor)
        finally:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags)


def open_target(path: Path, new_size: int = 0) -> Target:
    """Open a disk for this program alone, or a file, which is made with `new_size` bytes if there is none.

    Raises Refused where it cannot be opened, or is in use.
    """
    # O_EXCL on a block device: EBUSY while anything of it is mounted or part of a volume, and as long as it is open
    # nothing of it can be mounted (open(2)).
    is_disk = path.is_block_device()
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if is_disk else os.O_CREAT)
    existed = path.exists()
    try:
        direct = True
        try:
            descriptor = os.open(path, flags | os.O_DIRECT, 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            direct = False  # a file system without O_DIRECT
            descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be opened: {_advice(error)}") from None
    if not existed:
        os.truncate(descriptor, new_size)
    return Target(path, descriptor, direct)


def _advice(error: OSError) -> str:
    known = {
        errno.EBUSY: "it is in use. Unmount what is mounted of it, and close the program that formats or checks it",
        errno.EACCES: "only root may write it",
        errno.EPERM: "only root may write it",
        errno.ENOMEDIUM: "there is no card in the reader",
        errno.EROFS: "it is read-only. Slide the switch of the SD card towards its contacts",
    }
    return known.get(error.errno or 0, error.strerror or str(error))


@contextmanager
def _reported(path: Path, doing: str, offset: int) -> Iterator[None]:
    """Convert an error of the system to Spoiled, with a message: the card is already partly written."""
    try:
        yield
    except FlashError:
        raise
    except OSError as error:
        where = f"{doing} {path} failed at {offset / 1e6:.0f} MB: {error.strerror}"
        if error.errno in GONE:
            raise Spoiled(f"{where}. Was it pulled out? If not, the card or its reader is worn out") from None
        if error.errno in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}:
            raise Spoiled(f"{where}. Make room, or name another place") from None
        raise Spoiled(where) from None
