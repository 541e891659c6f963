"""Archives of many pictures: made while they are sent, so they cost neither memory nor disk.

A download lasts as long as the client likes, so no worker of the HTTP server is held: the connection is handed over,
to a thread that the download has to itself.
"""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from zipstream import ZipStream

from appliance.errors import Busy
from appliance.system.log import logger

log = logger(__name__)

PLACES = 4  # downloads at once
_PATIENCE = 30.0  # s in which a client has to take a piece of 64 kB or less


class Downloads:
    """Sends archives, a few at a time. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(PLACES)

    def offer(self, files: list[Path]) -> Callable[[socket.socket, bytes], None]:
        """Reserve a place, and return what has to be called with the connection and the head of the response.

        The head needs no length yet. Raises Busy when all places are taken.
        """
        # JPEGs get no smaller; left as they are, the size of the archive is known before it is made.
        archive = ZipStream(sized=True)
        for file in files:
            archive.add_path(file, file.name)
        if not self._places.acquire(blocking=False):
            raise Busy(f"{PLACES} archives are being downloaded already; try again later")

        def accept(connection: socket.socket, head: bytes) -> None:
            whole = head.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % len(archive)
            threading.Thread(target=self._send, args=(connection, whole, archive), name="download", daemon=True).start()

        return accept

    def _send(self, connection: socket.socket, head: bytes, archive: ZipStream) -> None:
        """Send everything. A client that sees fewer bytes than announced knows that something went wrong."""
        try:
            with connection:
                connection.settimeout(_PATIENCE)
                connection.sendall(head)
                for piece in archive:
                    connection.sendall(piece)
        except OSError as error:  # the client left or hangs, or a picture was deleted meanwhile
            log.info("a download ended early: %s", error.strerror or error)
        finally:
            self._places.release()
