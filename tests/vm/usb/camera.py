"""The camera as a device: it answers control transfers, and has a picture whenever one is due. It knows no cable."""

import hashlib
import struct
import time

from tests.simcam import frames
from tests.simcam.model import Mode, usual_modes
from tests.vm.usb import descriptors
from tests.vm.usb.controls import GET_INFO, GET_LEN, INVALID_REQUEST, SET_CUR, Stalled, UvcControls

PAYLOAD = 16384  # bytes of a transfer: what the kernel asks for at once

_STANDARD, _CLASS = 0x00, 0x20
_GET_STATUS, _CLEAR_FEATURE, _GET_DESCRIPTOR, _GET_CONFIGURATION, _GET_INTERFACE = 0, 1, 6, 8, 10
_NOTHING_TO_SAY = {1, 3, 5, 9, 11}  # set a feature, an address, a configuration, an interface
_CONTROL_INTERFACE, _STREAMING_INTERFACE = 0, 1
_ERROR_CODE = 2  # selector of the control interface
_PROBE, _COMMIT = 1, 2  # selectors of the streaming interface


class UsbCamera:
    """A webcam. Faults are plain attributes, set by a test while another thread plays the camera.

    `stalled`: it sends nothing, without any error. `frozen`: it sends the same picture again and again. `cut`: so many
    frames to come end in the middle. `sent` are the checksums of the frames it sent whole, `starts` counts streams.
    """

    def __init__(self) -> None:
        self.modes = usual_modes()
        self.controls = UvcControls()
        self.stalled = self.frozen = False
        self.cut = 0
        self.sent: set[bytes] = set()
        self.made = self.starts = 0
        self._configuration = descriptors.configuration(self.modes)
        self._loops = {mode: frames.loop(mode.pixel_format, mode.width, mode.height) for mode in self.modes}
        self._still: bytes | None = None
        self.power_on()

    def power_on(self) -> None:
        """The state a camera has when it gets power."""
        self.controls.power_on()
        self._error = 0
        self._probe = self._committed = self._negotiated(1, 1, 0)
        self.mode, self.rate = self._chosen(self._committed)

    # -- the picture -----------------------------------------------------------------------------------------------

    def picture(self) -> bytes:
        """Make the next frame."""
        number, self.made = self.made, self.made + 1
        if self.frozen and self._still is not None:
            return self._noted(self._still)
        data: frames.Data = self._loops[self.mode].frames[number % len(self._loops[self.mode].frames)]
        if self.mode.pixel_format == "MJPG":
            data = frames.stamped(data, number, time.monotonic_ns())
        self._still = bytes(data)
        if self.cut:
            self.cut -= 1
            return self._still[: len(data) // 2]
        return self._noted(self._still)

    def _noted(self, picture: bytes) -> bytes:
        self.sent.add(checksum(picture))
        return picture

    # -- requests ----------------------------------------------------------------------------------------------------

    def answer(self, setup: bytes, data: bytes) -> bytes:
        """Return the answer to a control transfer. Raises Stalled."""
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        try:
            if kind & 0x60 == _STANDARD:
                return self._standard(request, value)[:length]
            if kind & 0x60 == _CLASS:
                return self._of_class(request, value >> 8, index, data)[:length]
            raise Stalled(INVALID_REQUEST)
        except Stalled as stalled:
            self._error = stalled.reason
            raise

    def _standard(self, request: int, value: int) -> bytes:
        if request == _GET_DESCRIPTOR:
            return self._descriptor(value >> 8, value & 0xFF)
        if request == _CLEAR_FEATURE:
            self.starts += 1  # with bulk transfers that is how uvcvideo ends a stream, and begins the next
        answers = {_GET_STATUS: b"\0\0", _GET_CONFIGURATION: b"\1", _GET_INTERFACE: b"\0"}
        if request in _NOTHING_TO_SAY:
            return b""
        if request not in answers:
            raise Stalled(INVALID_REQUEST)
        return answers[request]

    def _descriptor(self, kind: int, index: int) -> bytes:
        found = {1: descriptors.device(), 2: self._configuration, 3: descriptors.string(index)}.get(kind)
        if found is None:
            raise Stalled(INVALID_REQUEST)
        return found

    def _of_class(self, request: int, selector: int, index: int, data: bytes) -> bytes:
        unit, interface = index >> 8, index & 0xFF
        if interface == _STREAMING_INTERFACE:
            return self._negotiate(request, selector, data)
        if unit == 0 and selector == _ERROR_CODE:
            return b"\x01" if request == GET_INFO else bytes((self._error,))
        return self.controls.answer(unit, selector, request, data)

    # -- the format ----------------------------------------------------------------------------------------------------

    def _negotiate(self, request: int, selector: int, data: bytes) -> bytes:
        if request == SET_CUR:
            self._probe = self._negotiated(*struct.unpack_from("<BBI", data, 2))
            if selector == _COMMIT:
                self._committed = self._probe
                self.mode, self.rate = self._chosen(self._committed)
            return b""
        if request == GET_INFO:
            return b"\x03"
        if request == GET_LEN:
            return len(self._probe).to_bytes(2, "little")
        return self._probe if selector == _PROBE else self._committed

    def _negotiated(self, number: int, frame: int, interval: int) -> bytes:
        """The nearest to what was asked for, as probe and commit controls have it (4.3.1.1)."""
        number = min(max(number, 1), len(descriptors.FORMATS))
        modes = self._of_format(number)
        frame = min(max(frame, 1), len(modes))
        intervals = [descriptors.SECOND // rate for rate in modes[frame - 1].rates]
        interval = min(intervals, key=lambda offered: abs(offered - interval)) if interval else intervals[0]
        size = modes[frame - 1].size
        return struct.pack("<HBBI5H3I4B", 1, number, frame, interval, *(0,) * 5, size, PAYLOAD, 48_000_000, *(0,) * 4)

    def _chosen(self, negotiated: bytes) -> tuple[Mode, float]:
        number, frame, interval = struct.unpack_from("<BBI", negotiated, 2)
        return self._of_format(number)[frame - 1], descriptors.SECOND / interval

    def _of_format(self, number: int) -> list[Mode]:
        return [mode for mode in self.modes if mode.pixel_format == descriptors.FORMATS[number - 1]]


def checksum(picture: bytes) -> bytes:
    """Return what stands for a frame in `UsbCamera.sent`."""
    return hashlib.blake2b(picture, digest_size=16).digest()
