"""Thumbnails: each is made once, and stored in a hidden folder of the pictures.

They can be made again at any time, so writes are not synchronised, and a failed write does no harm.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance import jpeg
from appliance.system.files import PICTURES

WIDTH = 320  # pixels
_END = b"\xff\xd9"  # of a JPEG; it may be missing after a power cut


class Thumbnails:
    """Small JPEGs by the file names of their pictures. Every method may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get(self, name: str, read: Callable[[], bytes]) -> bytes:
        """Return the thumbnail; `read` returns the picture if it has to be made.

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
        """Delete the thumbnails of deleted pictures."""
        for name in names:
            with contextlib.suppress(OSError):
                (self.directory / name).unlink()

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete the thumbnails of all other pictures, and temporary files left by a crash."""
        with contextlib.suppress(OSError):
            ours = [*self.directory.glob(PICTURES), *self.directory.glob(f".{PICTURES}.*.tmp")]
            self.forget({path.name for path in ours}.difference(names))

    def _keep(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{threading.get_ident()}.tmp")
        try:
            self.directory.mkdir(exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:  # it is made again for the next request
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
