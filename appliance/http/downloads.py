"""ZIP archives of pictures, generated while they are sent, without using memory or disk.

A download may take long, so its connection is handed over to a thread of its own and occupies no worker of the HTTP
server.
"""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from zipstream import ZipStream

from appliance.errors import Busy
from appliance.system.log import logger

log = logger(__name__)

MAX_DOWNLOADS = 4  # at the same time
_SEND_TIMEOUT = 30.0  # s for a client to receive a block of up to 64 kB


class Downloads:
    """Sends archives, a limited number at the same time. All methods are thread-safe."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MAX_DOWNLOADS)

    def prepare(self, files: list[Path]) -> Callable[[socket.socket, bytes], None]:
        """Reserve a place, and return a function that takes the connection and the head of the response.

        The head must not contain a Content-Length. Raises Busy if all places are taken.
        """
        # JPEGs do not compress further; stored uncompressed, the size of the archive is known in advance.
        archive = ZipStream(sized=True)
        for file in files:
            archive.add_path(file, file.name)
        if not self._places.acquire(blocking=False):
            raise Busy(f"{MAX_DOWNLOADS} archives are already being downloaded; try again later")

        def accept(connection: socket.socket, head: bytes) -> None:
            full_head = head.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % len(archive)
            threading.Thread(
                target=self._send, args=(connection, full_head, archive), name="download", daemon=True
            ).start()

        return accept

    def _send(self, connection: socket.socket, head: bytes, archive: ZipStream) -> None:
        """Send the archive. A client detects an incomplete one by its Content-Length."""
        try:
            with connection:
                connection.settimeout(_SEND_TIMEOUT)
                connection.sendall(head)
                for piece in archive:
                    connection.sendall(piece)
        except OSError as error:  # the client disconnected or stalled, or a picture was deleted
            log.info("download aborted: %s", error.strerror or error)
        finally:
            self._places.release()
