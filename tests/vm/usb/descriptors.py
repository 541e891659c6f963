"""What the camera says of itself: device, configuration and strings, as bytes.

Two interfaces: control (one camera terminal, one processing unit) and streaming, by bulk transfers: those need one
message for 16 kB of a frame, where isochronous ones would need one for every 125 µs.

Sources: USB 2.0, chapter 9.6; USB Device Class Definition for Video Devices 1.1, chapter 3, and its documents on the
formats MJPEG and uncompressed.
"""

import struct

from tests.simcam.model import Mode
from tests.vm.usb.controls import OUTPUT, PROCESSING, TERMINAL, bits

VENDOR, PRODUCT, RELEASE = 0x1209, 0x0001, 0x0100  # pid.codes: for tests
ENDPOINT = 1
PACKET = 512
STRINGS = ("Simulated", "UVC Camera", "SC0001")  # so udev's link is that of simcam
YUY2 = bytes.fromhex("5955593200001000800000aa00389b71")
FORMATS = ("MJPG", "YUYV")  # number 1 and 2
SECOND = 10_000_000  # in the unit of frame intervals, 100 ns

_CLASS, _INTERFACE, _ENDPOINT = 0x24, 4, 5
_VIDEO, _CONTROL, _STREAMING, _COLLECTION = 14, 1, 2, 3


def device() -> bytes:
    """Return the device descriptor."""
    interface_association = (0xEF, 2, 1)
    return struct.pack(
        "<BBHBBBBHHHBBBB", 18, 1, 0x0200, *interface_association, 64, VENDOR, PRODUCT, RELEASE, 1, 2, 3, 1
    )


def string(index: int) -> bytes | None:
    """Return a string descriptor; number 0 is the list of languages."""
    if index > len(STRINGS):
        return None
    text = STRINGS[index - 1].encode("utf-16-le") if index else struct.pack("<H", 0x0409)
    return bytes((len(text) + 2, 3)) + text


def configuration(modes: tuple[Mode, ...]) -> bytes:
    """Return the configuration with everything in it."""
    body = b"".join(
        (
            bytes((8, 11, 0, 2, _VIDEO, _COLLECTION, 0, 2)),
            bytes((9, _INTERFACE, 0, 0, 0, _VIDEO, _CONTROL, 0, 2)),
            _control(),
            bytes((9, _INTERFACE, 1, 0, 1, _VIDEO, _STREAMING, 0, 0)),
            _streaming(modes),
            struct.pack("<BBBBHB", 7, _ENDPOINT, 0x80 | ENDPOINT, 2, PACKET, 0),
        )
    )
    powered_by_bus, half_an_ampere = 0x80, 250
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, powered_by_bus, half_an_ampere) + body


def _control() -> bytes:
    """The way of a picture: camera terminal, processing unit, output to USB."""
    camera = struct.pack("<BBBBHBBHHHB", 18, _CLASS, 2, TERMINAL, 0x0201, 0, 0, 0, 0, 0, 3)
    camera += bits(TERMINAL).to_bytes(3, "little")
    processing = struct.pack("<BBBBBHB", 12, _CLASS, 5, PROCESSING, TERMINAL, 0, 2)
    processing += bits(PROCESSING).to_bytes(2, "little") + bytes(2)
    output = struct.pack("<BBBBHBBB", 9, _CLASS, 3, OUTPUT, 0x0101, 0, PROCESSING, 0)
    units = camera + processing + output
    header = struct.pack("<BBBHHIBB", 13, _CLASS, 1, 0x0110, 13 + len(units), 48_000_000, 1, 1)
    return header + units


def _streaming(modes: tuple[Mode, ...]) -> bytes:
    formats = b"".join(_format(number, [mode for mode in modes if mode.pixel_format == name])
                       for number, name in enumerate(FORMATS, 1))  # fmt: skip
    controls_of_formats = bytes(len(FORMATS))
    length = 13 + len(FORMATS)
    header = struct.pack(
        "<BBBBHBBBBBBB", length, _CLASS, 1, len(FORMATS), length + len(formats), 0x80 | ENDPOINT, 0, OUTPUT, 0, 0, 0, 1
    )
    return header + controls_of_formats + formats


def _format(number: int, modes: list[Mode]) -> bytes:
    colours = bytes((6, _CLASS, 0x0D, 1, 1, 4))
    frames = b"".join(_frame(index, mode) for index, mode in enumerate(modes, 1))
    if modes[0].pixel_format == "MJPG":
        return bytes((11, _CLASS, 6, number, len(modes), 1, 1, 0, 0, 0, 0)) + frames + colours
    return bytes((27, _CLASS, 4, number, len(modes))) + YUY2 + bytes((16, 1, 0, 0, 0, 0)) + frames + colours


def _frame(index: int, mode: Mode) -> bytes:
    intervals = [SECOND // rate for rate in mode.rates]
    subtype = 7 if mode.pixel_format == "MJPG" else 5
    bits_a_second = [mode.size * 8 * rate for rate in (mode.rates[-1], mode.rates[0])]
    head = struct.pack(
        "<BBBBBHHIIIIB",
        *(26 + 4 * len(intervals), _CLASS, subtype, index, 0, mode.width, mode.height),
        *(*bits_a_second, mode.size, intervals[0], len(intervals)),
    )
    return head + struct.pack(f"<{len(intervals)}I", *intervals)
