"""Thumbnails: each is made once, and kept in a hidden folder beside the pictures.

They can be made again at any time, so nothing waits for the disk, and a disk that takes none does no harm.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance import jpeg
from appliance.system.files import PICTURES

WIDTH = 320  # pixels
_END = b"\xff\xd9"  # of a JPEG; after a power cut the end of a file may be missing


class Thumbnails:
    """Small JPEGs by the file names of their pictures. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get(self, name: str, read: Callable[[], bytes]) -> bytes:
        """Return the thumbnail; `read` gives the picture when it has to be made.

        Raises CorruptFrame, and what `read` raises.
        """
        path = self.directory / name
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if data.endswith(_END):
                return data
        data = jpeg.thumbnail(read(), WIDTH)
        self._keep(path, data)
        return data

    def forget(self, names: Iterable[str]) -> None:
        """Delete the thumbnails of pictures that are gone."""
        for name in names:
            with contextlib.suppress(OSError):
                (self.directory / name).unlink()

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete those that belong to none of these pictures, and what a crash left behind."""
        with contextlib.suppress(OSError):
            ours = [*self.directory.glob(PICTURES), *self.directory.glob(f".{PICTURES}.*.tmp")]
            self.forget({path.name for path in ours}.difference(names))

    def _keep(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{threading.get_ident()}.tmp")
        try:
            self.directory.mkdir(exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:  # it is made again next time
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
