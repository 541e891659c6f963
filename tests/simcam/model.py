"""The things that the simulated camera is made of: modes, faults, open files, buffers."""

from __future__ import annotations

import mmap
import os
import socket
from collections import deque
from dataclasses import dataclass, field

from tests.simcam import v4l2
from tests.simcam.ring import Ring


@dataclass(frozen=True)
class Mode:
    """A pixel format in one size, with the frame rates the camera offers for it (per second, best first)."""

    pixel_format: str
    width: int
    height: int
    rates: tuple[int, ...]

    @property
    def in_planes(self) -> bool:
        """Whether the luma samples come first, and those of chroma behind them."""
        return self.pixel_format in PLANAR

    @property
    def bytes_per_line(self) -> int:
        """0 for compressed formats."""
        if self.in_planes:
            return self.width
        return 0 if self.pixel_format == "MJPG" else self.width * 2

    @property
    def size(self) -> int:
        """What a buffer must hold, in bytes."""
        return self.width * self.height * 3 // 2 if self.in_planes else self.width * self.height * 2

    @property
    def quantization(self) -> int:
        """The range of the samples as V4L2 has it: 0 leaves it to the colour space, 1 is full, 2 is limited."""
        return PLANAR.get(self.pixel_format, 0)


PLANAR = {"YU12": 2, "NV12": 1}
"""The formats in planes, with the range of their samples."""


def usual_modes(fast_yuyv: bool = False, planes: bool = False) -> tuple[Mode, ...]:
    """What a USB 2 camera offers; `fast_yuyv` adds 1280x720 YUYV at 30 per second, for which USB 2 is too slow.

    `planes` adds YU12, of limited range, and NV12, of full range, in 640x480.
    """
    sizes = ((640, 480), (1280, 720), (1920, 1080))
    slow = {640: (30, 15, 5), 1280: (30, 10, 5) if fast_yuyv else (10, 5), 1920: (5,)}
    return (
        *(Mode("MJPG", width, height, (30, 15, 5)) for width, height in sizes),
        *(Mode("YUYV", width, height, slow[width]) for width, height in sizes),
        *(Mode(name, 640, 480, (30,)) for name in PLANAR if planes),
    )


@dataclass
class Faults:
    """What is wrong with the camera now; counts are of frames to come."""

    stalled: bool = False
    barren: int = 0  # width of the frames that never come
    truncate: int = 0
    corrupt: int = 0
    strip_huffman: bool = False
    frozen: bool = False
    busy: bool = False
    no_bandwidth: bool = False
    forbidden: bool = False
    ignore_writes: bool = False
    no_events: bool = False
    reset_controls_after: float | None = None
    dark_start: int = 0


@dataclass(eq=False)
class Handle:
    """One open file of the program under test."""

    key: int
    node: str
    sock: socket.socket
    pid: int
    priority: int = v4l2.PRIORITY_INTERACTIVE
    events: deque[bytes] = field(default_factory=deque)
    subscriptions: dict[int, int] = field(default_factory=dict)
    event_sequence: int = 0
    marked: bool = False

    def mark(self) -> None:
        """Make the file show POLLPRI: urgent data does, where the kernel has it for unix sockets (since 5.15)."""
        if not self.marked:
            try:
                self.sock.send(b"!", socket.MSG_OOB)
                self.marked = True
            except OSError:
                pass  # an old kernel: DQEVENT works all the same, only nothing wakes


@dataclass(eq=False)
class Stream:
    """The buffers that one handle has asked for, and whether frames flow into them."""

    owner: Handle
    ring: Ring
    memory: mmap.mmap
    descriptor: int
    on: bool = False

    def free(self) -> None:
        """Give the memory back; what the program has mapped stays until it unmaps it."""
        self.ring.free()
        self.memory.close()
        os.close(self.descriptor)
