"""The cable: a USB/IP server with one port, to which the machine connects as to a computer with a camera.

Source: Documentation/usb/usbip_protocol.rst of Linux 6.12. Numbers are big-endian, but in setup packets.
"""

import asyncio
import struct
import threading
import time
from collections import deque

from tests.vm.usb import descriptors
from tests.vm.usb.camera import PAYLOAD, UsbCamera
from tests.vm.usb.controls import Stalled

PORT = 3240  # of USB/IP
BUS_ID = b"1-1"
HIGH_SPEED = 3
HEADER = 48  # bytes of every message once the device is imported
PAYLOAD_HEADER = 2  # bytes: its length, and flags
LATE = 0.1  # s: what a busy machine delays by more is lost, not made up for

_IMPORT, _IMPORTED = 0x8003, 0x0003
_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4
_IN = 1
_EPIPE, _ECONNRESET = -32, -104
_END_OF_FRAME, _END_OF_HEADER = 0x02, 0x80


class Cable:
    """Between camera and machine. Use it as a context; the camera is plugged in from then on."""

    def __init__(self, camera: UsbCamera) -> None:
        self.camera = camera
        self.is_plugged = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="usbip", daemon=True)
        self._link: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    def __enter__(self) -> "Cable":
        self._thread.start()
        serving = asyncio.start_server(self._connected, "127.0.0.1", PORT)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def is_attached(self) -> bool:
        """Whether the machine has the camera."""
        return self._link is not None

    def unplug(self) -> None:
        """Pull it out."""
        self.is_plugged = False
        self._loop.call_soon_threadsafe(self._cut)

    def plug(self) -> None:
        """Put it in again: the machine looks for it several times a second."""
        self.is_plugged = True

    def _cut(self) -> None:
        if self._link:
            self._link.close()

    async def _end(self) -> None:
        self._cut()
        if self._server:
            self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            version, code, _ = struct.unpack(">HHI", await reader.readexactly(8))
            await reader.readexactly(32)
            if code != _IMPORT or not self.is_plugged:
                writer.write(struct.pack(">HHI", version, _IMPORTED, 1))
                return
            self._cut()  # who asks again has been rebooted, and QEMU keeps the connections of the boot before
            writer.write(struct.pack(">HHI", version, _IMPORTED, 0) + _device())
            self._link = writer
            self.camera.power_on()
            await Link(self.camera, reader, writer).serve()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # unplugged, or the machine has lost its power
        finally:
            if self._link is writer:
                self._link = None
            writer.close()


class Link:
    """One connection, from plugging in to pulling out."""

    def __init__(self, camera: UsbCamera, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._camera = camera
        self._reader = reader
        self._writer = writer
        self._waiting: deque[int] = deque()  # transfers into which the next pieces of a frame go
        self._wanted = asyncio.Event()

    async def serve(self) -> None:
        """Answer until the connection ends. Raises IncompleteReadError or ConnectionError then."""
        streaming = asyncio.create_task(self._stream())
        try:
            while True:
                header = await self._reader.readexactly(HEADER)
                command, number, _, direction, endpoint = struct.unpack_from(">5I", header)
                if command == _UNLINK:
                    self._unlink(number, *struct.unpack_from(">I", header, 20))
                    continue
                length = struct.unpack_from(">i", header, 24)[0]
                data = b"" if direction == _IN else await self._reader.readexactly(length)
                if endpoint == descriptors.ENDPOINT:
                    self._waiting.append(number)
                    self._wanted.set()
                else:
                    self._control(number, header[40:48], data, direction)
        finally:
            streaming.cancel()

    def _control(self, number: int, setup: bytes, data: bytes, direction: int) -> None:
        try:
            answer = self._camera.answer(setup, data)
        except Stalled:
            self._submitted(number, _EPIPE, b"")
            return
        self._submitted(number, 0, answer if direction == _IN else b"", len(answer if direction == _IN else data))

    def _submitted(self, number: int, status: int, data: bytes, length: int = 0) -> None:
        head = struct.pack(">5I5i8x", _SUBMITTED, number, 0, 0, 0, status, length or len(data), 0, 0, 0)
        self._writer.write(head + data)

    def _unlink(self, number: int, victim: int) -> None:
        waits = victim in self._waiting
        if waits:
            self._waiting.remove(victim)
        self._writer.write(struct.pack(">5Ii24x", _UNLINKED, number, 0, 0, 0, _ECONNRESET if waits else 0))

    async def _stream(self) -> None:
        """Send frames while somebody waits for them."""
        flip, due = 0, time.monotonic()
        while True:
            await self._somebody_waits()
            due = max(due, time.monotonic() - LATE) + 1 / self._camera.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._camera.stalled:
                continue
            flip ^= 1
            await self._send(self._camera.picture(), flip)
            await self._writer.drain()

    async def _send(self, picture: bytes, flip: int) -> None:
        """Send a frame in pieces, as long as the stream is the one that it was made for."""
        stream, size = self._camera.starts, PAYLOAD - PAYLOAD_HEADER
        for offset in range(0, len(picture), size):
            await self._somebody_waits()
            if self._camera.starts != stream:
                return
            flags = _END_OF_HEADER | flip | (_END_OF_FRAME if offset + size >= len(picture) else 0)
            piece = bytes((PAYLOAD_HEADER, flags)) + picture[offset : offset + size]
            self._submitted(self._waiting.popleft(), 0, piece)

    async def _somebody_waits(self) -> None:
        while not self._waiting:
            self._wanted.clear()
            await self._wanted.wait()


def _device() -> bytes:
    """What the machine is told of the camera before it is attached."""
    paths = struct.pack(">256s32s", b"/sys/devices/simulated/usb1/1-1", BUS_ID)
    kind = (descriptors.VENDOR, descriptors.PRODUCT, descriptors.RELEASE, 0xEF, 2, 1)
    configurations = (1, 1, 2)  # the one in use, how many there are, how many interfaces
    return paths + struct.pack(">IIIHHHBBBBBB", 1, 2, HIGH_SPEED, *kind, *configurations)
