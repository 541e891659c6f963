"""The simulated camera as a device: modes, controls, buffers, faults, and an answer to every ioctl it knows.

It owns all state and is used by one thread (see server.py). An answer rewrites the ioctl's struct in place; the names
of the answering methods are the ioctls' names.
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.simcam import frames, v4l2
from tests.simcam.controls import Control, Controls, Refused
from tests.simcam.model import Faults, Handle, Mode, Stream
from tests.simcam.ring import MOST_BUFFERS, Ring
from tests.simcam.v4l2 import Ioctl

PAGE = mmap.PAGESIZE
MOST_EVENTS = 16
MOST_LATE = 0.2  # seconds
DESCRIPTIONS = {
    "MJPG": "Motion-JPEG",
    "YUYV": "YUYV 4:2:2",
    "YU12": "Planar YUV 4:2:0",
    "NV12": "Y/UV 4:2:0",
}


class Camera:
    """The device: modes, controls, the stream, faults. Knows nothing of sockets but the ones it sends tokens to."""

    def __init__(self, modes: tuple[Mode, ...], serial: str, bus: str, without: tuple[str, ...] = ()) -> None:
        self.modes, self.serial, self.bus = modes, serial, bus
        self.loops = {m: frames.loop(m.pixel_format, m.width, m.height) for m in modes}
        self.faults = Faults()
        self.controls = Controls(without)
        self.writes: list[dict[str, Any]] = []
        self.handles: dict[int, Handle] = {}
        self.stream: Stream | None = None
        self.made = self.dropped = self.starts = 0
        self.power_on()

    def power_on(self) -> None:
        """The state a camera has when it gets power."""
        self.controls.reset()
        self.mode = next(m for m in self.modes if (m.pixel_format, m.width) == ("YUYV", 640))
        self.rate = self.mode.rates[0]
        self.sequence = self.dark_left = 0
        self.due: float | None = None
        self.reset_due: float | None = None
        self.frozen_at: tuple[int, int, int] | None = None

    # -- frames ---------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do what is due at `now` (seconds of time.monotonic)."""
        if self.reset_due is not None and now >= self.reset_due:
            self.reset_due = None
            for name in self.controls.values:
                self.put(self.controls.by_name[name], self.controls.by_name[name].default, None)
        while self.due is not None and now >= self.due:
            if not (self.faults.stalled or self.mode.width == self.faults.barren):
                self._frame(round(self.due * 1e9))
            # The camera's clock does not wait for a busy machine: late frames come together, as from a USB buffer.
            self.due = max(self.due + 1 / self.rate, now - MOST_LATE)

    def _frame(self, monotonic_ns: int) -> None:
        stream = self.stream
        assert stream is not None
        ring = stream.ring
        sequence, self.sequence = self.sequence, self.sequence + 1
        dark, self.dark_left = self.dark_left, max(0, self.dark_left - 1)
        self.made += 1
        if not ring.waiting:
            self.dropped += 1
            return
        index = ring.waiting.popleft()
        buffer = ring.buffers[index]
        buffer.sequence, buffer.monotonic_ns = sequence, monotonic_ns
        moment = (sequence, monotonic_ns, dark)
        self.frozen_at = (self.frozen_at or moment) if self.faults.frozen else None
        buffer.used = self._expose(stream.memory, buffer.offset, *(self.frozen_at or moment))
        buffer.flags = v4l2.BUFFER_DONE
        ring.filled.append(index)
        _send(stream.owner.sock, b".")

    def _expose(self, memory: mmap.mmap, offset: int, sequence: int, monotonic_ns: int, dark: int) -> int:
        """Write the picture of a moment into the memory; returns its length."""
        loop = self.loops[self.mode]
        data: frames.Data = loop.frames[sequence % len(loop.frames)]
        if dark:
            step = (self.faults.dark_start - dark) * len(loop.dark) // max(1, self.faults.dark_start)
            data = loop.dark[min(max(step, 0), len(loop.dark) - 1)]
        compressed = self.mode.pixel_format == "MJPG"
        if compressed:
            data = frames.without_huffman_tables(data) if self.faults.strip_huffman else data
            data = frames.stamped(data, sequence, monotonic_ns)
        else:
            luma = slice(0, self.mode.width * self.mode.height) if self.mode.in_planes else slice(0, None, 2)
            data = frames.brightened(data, self.controls.values["brightness"], luma)
        if self.faults.truncate:
            self.faults.truncate -= 1
            data = data[: len(data) // 2]
        if self.faults.corrupt:
            self.faults.corrupt -= 1
            data = frames.garbled(data)
        memory[offset : offset + len(data)] = data
        if not compressed:  # afterwards, since this spares a copy of a big frame
            stamp = frames.yuyv_stamp(sequence)[:: 2 if self.mode.in_planes else 1]
            memory[offset : offset + len(stamp)] = stamp
        return len(data)

    # -- handles --------------------------------------------------------------------------------------------------

    def close(self, handle: Handle) -> None:
        """A file was closed: its buffers go with it."""
        self.handles.pop(handle.key, None)
        if self.stream is not None and self.stream.owner is handle:
            self._free()

    def ring(self, key: int) -> list[int]:
        """The descriptor of the ring of that open file, if it streams."""
        return [self.stream.ring.descriptor] if self.stream is not None and self.streams(key) else []

    def streams(self, key: int) -> bool:
        """Whether frames flow into the buffers of that open file."""
        return self.stream is not None and self.stream.on and self.stream.owner.key == key

    def _free(self) -> None:
        if self.stream is not None:
            self._stop()
            self.stream.free()
            self.stream = None

    def _stop(self) -> int:
        """Stop streaming; returns how many tokens lie unread in the socket of the owner."""
        assert self.stream is not None
        ring = self.stream.ring
        tokens = len(ring.filled)
        ring.filled.clear()
        ring.waiting.clear()
        self.stream.on = False
        for buffer in ring.buffers:
            buffer.flags = 0
        self.due = self.reset_due = None
        return tokens

    # -- controls -------------------------------------------------------------------------------------------------

    def put(self, control: Control, value: int, writer: Handle | None) -> None:
        """Give a control its value, and tell those who subscribed. `writer` is None for the camera itself."""
        before = {c.name: self.controls.flags(c) for c in self.controls.dependants(control.name)}
        if self.controls.values[control.name] == value:
            return
        self.controls.values[control.name] = value
        self._announce(control, v4l2.EVENT_CHANGED_VALUE, writer)
        for other in self.controls.dependants(control.name):
            if self.controls.flags(other) != before[other.name]:
                self._announce(other, v4l2.EVENT_CHANGED_FLAGS, None)

    def _announce(self, control: Control, changes: int, writer: Handle | None) -> None:
        for handle in self.handles.values():
            flags = handle.subscriptions.get(control.id)
            if flags is not None and (handle is not writer or flags & v4l2.EVENT_ALLOW_FEEDBACK):
                self.push_event(handle, control, changes)

    def push_event(self, handle: Handle, control: Control, changes: int) -> None:
        """Queue a control event; the oldest is lost when nobody reads them, as in the kernel."""
        now = time.monotonic_ns()
        value = self.controls.values.get(control.name, 0)
        while len(handle.events) >= MOST_EVENTS:
            handle.events.popleft()
        handle.events.append(
            v4l2.EVENT.pack(
                v4l2.EVENT_CTRL, changes, control.type, value, self.controls.flags(control),
                control.minimum, control.maximum, control.step, control.default,
                0, handle.event_sequence, now // 10**9, now % 10**9, control.id,
            )
        )  # fmt: skip
        handle.event_sequence += 1
        handle.mark()

    def write(self, numbers: list[tuple[int, int]], handle: Handle) -> None:
        """Set controls that were checked before."""
        for number, value in numbers:
            control = self.controls.find(number)
            accepted = control.accepted(value)
            entry = {"name": control.name, "value": accepted, "pid": handle.pid, "monotonic": time.monotonic()}
            self.writes.append(entry | {"ignored": self.faults.ignore_writes})
            if not self.faults.ignore_writes:
                self.put(control, accepted, handle)

    # -- ioctls ---------------------------------------------------------------------------------------------------

    def call(self, handle: Handle, request: int, data: bytearray) -> int:
        """Answer one ioctl in place. Returns the tokens to take from the stream; raises Refused with the errno."""
        known = METADATA_ANSWERS if handle.node == "metadata" else ANSWERS
        answer = known.get(request)
        if answer is None:
            raise Refused(errno.ENOTTY)
        _require(request not in EXCLUSIVE or handle.priority >= self._priority(), errno.EBUSY)
        return answer(self, handle, data) or 0

    def querycap(self, handle: Handle, data: bytearray) -> None:
        own = v4l2.CAP_META_CAPTURE if handle.node == "metadata" else v4l2.CAP_VIDEO_CAPTURE
        common = v4l2.CAP_STREAMING | v4l2.CAP_EXT_PIX_FORMAT
        every = common | v4l2.CAP_META_CAPTURE | v4l2.CAP_VIDEO_CAPTURE | v4l2.CAP_DEVICE_CAPS
        card, bus = b"Simulated UVC Camera", self.bus.encode()
        v4l2.CAPABILITY.pack_into(data, 0, b"uvcvideo", card, bus, 6 << 16 | 12 << 8, every, own | common)

    def enum_fmt(self, handle: Handle, data: bytearray) -> None:
        index, kind = struct.unpack_from("<II", data)
        formats = list(dict.fromkeys(m.pixel_format for m in self.modes))
        if kind != v4l2.TYPE_VIDEO_CAPTURE or index >= len(formats):
            raise Refused(errno.EINVAL)
        name = formats[index]
        flags = v4l2.FORMAT_COMPRESSED if name == "MJPG" else 0
        v4l2.FORMAT_DESCRIPTION.pack_into(data, 0, index, kind, flags, DESCRIPTIONS[name].encode(), v4l2.fourcc(name))

    def enum_framesizes(self, handle: Handle, data: bytearray) -> None:
        index, pixel_format = struct.unpack_from("<II", data)
        modes = [m for m in self.modes if v4l2.fourcc(m.pixel_format) == pixel_format]
        if index >= len(modes):
            raise Refused(errno.EINVAL)
        size = (modes[index].width, modes[index].height)
        v4l2.FRAME_SIZE.pack_into(data, 0, index, pixel_format, v4l2.FRAME_DISCRETE, *size)

    def enum_frameintervals(self, handle: Handle, data: bytearray) -> None:
        index, pixel_format, width, height = struct.unpack_from("<IIII", data)
        size = (pixel_format, width, height)
        rates = [m.rates for m in self.modes if (v4l2.fourcc(m.pixel_format), m.width, m.height) == size]
        if not rates or index >= len(rates[0]):
            raise Refused(errno.EINVAL)
        v4l2.FRAME_INTERVAL.pack_into(data, 0, index, *size, v4l2.FRAME_DISCRETE, 1, rates[0][index])

    def _describe(self, mode: Mode, data: bytearray) -> None:
        shape = (mode.width, mode.height, v4l2.fourcc(mode.pixel_format), v4l2.FIELD_NONE, mode.bytes_per_line)
        colours = (v4l2.COLORSPACE_SRGB, v4l2.PRIV_MAGIC, 0, 1, mode.quantization, 2)
        v4l2.PIX_FORMAT.pack_into(data, 0, v4l2.TYPE_VIDEO_CAPTURE, *shape, mode.size, *colours)

    def g_fmt(self, handle: Handle, data: bytearray) -> None:
        _require(struct.unpack_from("<I", data)[0] == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        self._describe(self.mode, data)

    def try_fmt(self, handle: Handle, data: bytearray) -> Mode:
        kind, width, height, pixel_format = v4l2.PIX_FORMAT.unpack_from(data)[:4]
        _require(kind == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        width, height = int(width), int(height)
        wanted = [m for m in self.modes if v4l2.fourcc(m.pixel_format) == pixel_format]
        wanted = wanted or [m for m in self.modes if m.pixel_format == self.modes[0].pixel_format]

        def difference(mode: Mode) -> int:  # as uvcvideo: the area that the two do not share
            common = min(mode.width, width) * min(mode.height, height)
            return mode.width * mode.height + width * height - 2 * common

        mode = min(wanted, key=difference)
        self._describe(mode, data)
        return mode

    def try_fmt_only(self, handle: Handle, data: bytearray) -> None:
        self.try_fmt(handle, data)

    def s_fmt(self, handle: Handle, data: bytearray) -> None:
        _require(not self.faults.busy and self.stream is None, errno.EBUSY)
        mode = self.try_fmt(handle, data)
        if mode is not self.mode:
            self.mode, self.rate = mode, mode.rates[0]

    def g_parm(self, handle: Handle, data: bytearray) -> None:
        _require(struct.unpack_from("<I", data)[0] == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        v4l2.STREAM_PARAMETERS.pack_into(data, 0, v4l2.TYPE_VIDEO_CAPTURE, v4l2.TIME_PER_FRAME, 0, 1, self.rate, 0, 0)

    def s_parm(self, handle: Handle, data: bytearray) -> None:
        kind, _, _, numerator, denominator, _, _ = v4l2.STREAM_PARAMETERS.unpack_from(data)
        _require(kind == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        _require(self.stream is None or not self.stream.on, errno.EBUSY)
        interval = numerator / denominator if denominator else 0.0
        self.rate = min(self.mode.rates, key=lambda rate: abs(1 / rate - float(interval)))
        self.g_parm(handle, data)

    def enuminput(self, handle: Handle, data: bytearray) -> None:
        _require(struct.unpack_from("<I", data)[0] == 0, errno.EINVAL)
        v4l2.INPUT.pack_into(data, 0, 0, b"Camera 1", v4l2.INPUT_CAMERA, 0, 0, 0, 0, 0)

    def g_input(self, handle: Handle, data: bytearray) -> None:
        v4l2.WORD.pack_into(data, 0, 0)

    def s_input(self, handle: Handle, data: bytearray) -> None:
        _require(v4l2.WORD.unpack_from(data)[0] == 0, errno.EINVAL)

    def g_priority(self, handle: Handle, data: bytearray) -> None:
        v4l2.WORD.pack_into(data, 0, self._priority())

    def _priority(self) -> int:
        return max(handle.priority for handle in self.handles.values())

    def s_priority(self, handle: Handle, data: bytearray) -> None:
        _require(v4l2.WORD.unpack_from(data)[0] in (1, 2, 3), errno.EINVAL)
        handle.priority = v4l2.WORD.unpack_from(data)[0]

    # -- streaming ------------------------------------------------------------------------------------------------

    def reqbufs(self, handle: Handle, data: bytearray) -> int:
        count, kind, memory, _, _ = v4l2.REQUEST_BUFFERS.unpack_from(data)
        _require(kind == v4l2.TYPE_VIDEO_CAPTURE and memory == v4l2.MEMORY_MMAP, errno.EINVAL)
        _require(self.stream is None or self.stream.owner is handle, errno.EBUSY)
        tokens = len(self.stream.ring.filled) if self.stream is not None else 0
        if count and self.stream is not None:
            _require(not self.stream.on, errno.EBUSY)
        self._free()
        count = min(count, MOST_BUFFERS)
        if count:
            length = math.ceil(self.mode.size / PAGE) * PAGE
            descriptor = os.memfd_create("simcam")
            os.ftruncate(descriptor, count * length)
            pictures = mmap.mmap(descriptor, count * length)
            self.stream = Stream(handle, Ring(count, length), pictures, descriptor)
        v4l2.REQUEST_BUFFERS.pack_into(data, 0, count, kind, memory, v4l2.BUFFER_CAPABILITIES, 0)
        return tokens

    def _own(self, handle: Handle) -> Stream:
        if self.stream is None:
            raise Refused(errno.EINVAL)
        _require(self.stream.owner is handle, errno.EBUSY)
        return self.stream

    def _buffer(self, stream: Stream, index: int, data: bytearray) -> None:
        b = stream.ring.buffers[index]
        flags = b.flags | v4l2.BUFFER_TIMESTAMP_MONOTONIC | v4l2.BUFFER_TIMESTAMP_START_OF_EXPOSURE
        seconds, rest = divmod(b.monotonic_ns // 1000, 10**6)
        head = (index, v4l2.TYPE_VIDEO_CAPTURE, b.used, flags, v4l2.FIELD_NONE, seconds, rest)
        v4l2.BUFFER.pack_into(data, 0, *head, b.sequence, v4l2.MEMORY_MMAP, b.offset, b.length)

    def _index(self, stream: Stream, data: bytearray) -> int:
        index, kind = struct.unpack_from("<II", data)
        _require(kind == v4l2.TYPE_VIDEO_CAPTURE and index < len(stream.ring.buffers), errno.EINVAL)
        return int(index)

    def mappable(self, offset: int, length: int) -> int:
        """The descriptor of the memory behind an offset that QUERYBUF told. Raises Refused."""
        if self.stream is None or not any(b.offset == offset and length <= b.length for b in self.stream.ring.buffers):
            raise Refused(errno.EINVAL)
        return self.stream.descriptor

    def querybuf(self, handle: Handle, data: bytearray) -> None:
        if self.stream is None:
            raise Refused(errno.EINVAL)
        self._buffer(self.stream, self._index(self.stream, data), data)

    def qbuf(self, handle: Handle, data: bytearray) -> None:
        stream = self._own(handle)
        index = self._index(stream, data)
        _require(not struct.unpack_from("<I", data, 12)[0] & v4l2.BUFFER_OF_REQUEST, errno.EINVAL)
        _require(not stream.ring.buffers[index].flags & (v4l2.BUFFER_QUEUED | v4l2.BUFFER_DONE), errno.EINVAL)
        stream.ring.buffers[index].flags = v4l2.BUFFER_QUEUED
        stream.ring.waiting.append(index)
        self._buffer(stream, index, data)

    def dqbuf(self, handle: Handle, data: bytearray) -> int:
        stream = self._own(handle)
        _require(struct.unpack_from("<I", data, 4)[0] == v4l2.TYPE_VIDEO_CAPTURE and stream.on, errno.EINVAL)
        _require(bool(stream.ring.filled), errno.EAGAIN)
        index = stream.ring.filled.popleft()
        stream.ring.buffers[index].flags = 0
        self._buffer(stream, index, data)
        return 1

    def streamon(self, handle: Handle, data: bytearray) -> None:
        _require(v4l2.WORD.unpack_from(data)[0] == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        stream = self._own(handle)
        if stream.on:
            return
        _require(not self.faults.busy, errno.EBUSY)
        _require(not self.faults.no_bandwidth, errno.ENOSPC)
        stream.on = True
        now = time.monotonic()
        self.sequence, self.due, self.dark_left = 0, now + 1 / self.rate, self.faults.dark_start
        self.starts += 1
        if self.faults.reset_controls_after is not None:
            self.reset_due = now + self.faults.reset_controls_after

    def streamoff(self, handle: Handle, data: bytearray) -> int:
        _require(v4l2.WORD.unpack_from(data)[0] == v4l2.TYPE_VIDEO_CAPTURE, errno.EINVAL)
        if self.stream is None:
            return 0
        self._own(handle)
        return self._stop()

    # -- ioctls of controls -----------------------------------------------------------------------------------------

    def queryctrl(self, handle: Handle, data: bytearray) -> None:
        c = self.controls.find(v4l2.WORD.unpack_from(data)[0])
        limits = (c.minimum, c.maximum, c.step, c.default)
        v4l2.QUERY_CONTROL.pack_into(data, 0, c.id, c.type, c.label.encode(), *limits, self.controls.flags(c))

    def query_ext_ctrl(self, handle: Handle, data: bytearray) -> None:
        c = self.controls.find(v4l2.WORD.unpack_from(data)[0])
        limits = (c.minimum, c.maximum, c.step, c.default, self.controls.flags(c), 4, 1, 0)
        v4l2.QUERY_EXT_CONTROL.pack_into(data, 0, c.id, c.type, c.label.encode(), *limits)

    def querymenu(self, handle: Handle, data: bytearray) -> None:
        number, index = struct.unpack_from("<II", data)
        label = self.controls.find(number & ~(v4l2.NEXT_CONTROL | v4l2.NEXT_COMPOUND)).menu.get(index)
        if label is None:
            raise Refused(errno.EINVAL)
        v4l2.QUERY_MENU.pack_into(data, 0, number, index, label.encode())

    def g_ctrl(self, handle: Handle, data: bytearray) -> None:
        number, _ = v4l2.CONTROL.unpack_from(data)
        v4l2.CONTROL.pack_into(data, 0, number, self.controls.read(number))

    def s_ctrl(self, handle: Handle, data: bytearray) -> None:
        number, value = v4l2.CONTROL.unpack_from(data)
        _, accepted = self.controls.check(number, value)
        self.write([(number, value)], handle)
        v4l2.CONTROL.pack_into(data, 0, number, accepted)

    def _listed(self, data: bytearray) -> tuple[int, list[tuple[int, int, int]]]:
        """What the call is about (`which`), and for each control its place in `data`, id and value."""
        which, count, _, _ = v4l2.EXT_CONTROLS.unpack_from(data)
        _require(which != v4l2.WHICH_REQUEST, errno.EINVAL)
        found = []
        for position in range(count):
            at = v4l2.EXT_CONTROLS.size + position * v4l2.EXT_CONTROL.size
            number, _, value = v4l2.EXT_CONTROL.unpack_from(data, at)
            if which not in (0, v4l2.WHICH_DEFAULT) and number & 0x0FFF0000 != which:
                raise Refused(errno.EINVAL)
            found.append((at, number, value))
        return which, found

    def g_ext_ctrls(self, handle: Handle, data: bytearray) -> None:
        which, listed = self._listed(data)
        struct.pack_into("<I", data, 8, len(listed))  # V4L2's word for "refused before anything was read"
        for at, number, _ in listed:
            value = self.controls.find(number).default if which == v4l2.WHICH_DEFAULT else self.controls.read(number)
            struct.pack_into("<q", data, at + 12, value)

    def try_ext_ctrls(self, handle: Handle, data: bytearray) -> list[tuple[int, int]]:
        which, listed = self._listed(data)
        _require(which != v4l2.WHICH_DEFAULT, errno.EINVAL)
        together = {self.controls.by_id[n].name: value for _, n, value in listed if n in self.controls.by_id}
        for position, (at, number, value) in enumerate(listed):
            struct.pack_into("<I", data, 8, position)
            _, accepted = self.controls.check(number, value, together)
            struct.pack_into("<i", data, at + 12, accepted)
        struct.pack_into("<I", data, 8, len(listed))
        return [(number, value) for _, number, value in listed]

    def try_ext_ctrls_only(self, handle: Handle, data: bytearray) -> None:
        self.try_ext_ctrls(handle, data)

    def s_ext_ctrls(self, handle: Handle, data: bytearray) -> None:
        count = struct.unpack_from("<I", data, 4)[0]
        try:
            listed = self.try_ext_ctrls(handle, data)
        except Refused:
            struct.pack_into("<I", data, 8, count)  # V4L2's word for "nothing was set"
            raise
        switches = {c.held_by[0] for c in self.controls.by_id.values() if c.held_by is not None}
        listed.sort(key=lambda entry: self.controls.by_id[entry[0]].name not in switches)
        self.write(listed, handle)

    # -- events -----------------------------------------------------------------------------------------------------

    def subscribe_event(self, handle: Handle, data: bytearray) -> None:
        _require(not self.faults.no_events, errno.ENOTTY)
        kind, number, flags = v4l2.EVENT_SUBSCRIPTION.unpack_from(data)
        _require(kind == v4l2.EVENT_CTRL, errno.EINVAL)
        control = self.controls.find(number)
        handle.subscriptions[control.id] = flags
        if flags & v4l2.EVENT_SEND_INITIAL and control.type != v4l2.CONTROL_CLASS:
            self.push_event(handle, control, v4l2.EVENT_CHANGED_VALUE | v4l2.EVENT_CHANGED_FLAGS)

    def unsubscribe_event(self, handle: Handle, data: bytearray) -> None:
        kind, number, _ = v4l2.EVENT_SUBSCRIPTION.unpack_from(data)
        if kind == v4l2.EVENT_ALL:
            handle.subscriptions.clear()
        else:
            handle.subscriptions.pop(number, None)

    def dqevent(self, handle: Handle, data: bytearray) -> None:
        handle.marked = False  # the library has just taken the mark
        _require(bool(handle.events), errno.ENOENT)
        data[: v4l2.EVENT.size] = handle.events.popleft()
        struct.pack_into("<I", data, 72, len(handle.events))
        if handle.events:
            handle.mark()

    # -- the metadata node --------------------------------------------------------------------------------------------

    def enum_fmt_metadata(self, handle: Handle, data: bytearray) -> None:
        index, kind = struct.unpack_from("<II", data)
        _require(kind == v4l2.TYPE_META_CAPTURE and index == 0, errno.EINVAL)
        v4l2.FORMAT_DESCRIPTION.pack_into(data, 0, 0, kind, 0, b"UVC Payload Header Metadata", v4l2.METADATA_FORMAT)

    def fmt_metadata(self, handle: Handle, data: bytearray) -> None:
        _require(struct.unpack_from("<I", data)[0] == v4l2.TYPE_META_CAPTURE, errno.EINVAL)
        struct.pack_into("<II", data, 8, v4l2.METADATA_FORMAT, 10240)


def _require(true: bool, number: int) -> None:
    if not true:
        raise Refused(number)


def _send(sock: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # closed meanwhile: the selector will say so
        sock.send(data)


Answer = Callable[[Camera, Handle, bytearray], int | None]
ANSWERS: dict[int, Answer] = {
    Ioctl.QUERYCAP: Camera.querycap,
    Ioctl.ENUM_FMT: Camera.enum_fmt,
    Ioctl.ENUM_FRAMESIZES: Camera.enum_framesizes,
    Ioctl.ENUM_FRAMEINTERVALS: Camera.enum_frameintervals,
    Ioctl.G_FMT: Camera.g_fmt,
    Ioctl.S_FMT: Camera.s_fmt,
    Ioctl.TRY_FMT: Camera.try_fmt_only,
    Ioctl.G_PARM: Camera.g_parm,
    Ioctl.S_PARM: Camera.s_parm,
    Ioctl.ENUMINPUT: Camera.enuminput,
    Ioctl.G_INPUT: Camera.g_input,
    Ioctl.S_INPUT: Camera.s_input,
    Ioctl.G_PRIORITY: Camera.g_priority,
    Ioctl.S_PRIORITY: Camera.s_priority,
    Ioctl.REQBUFS: Camera.reqbufs,
    Ioctl.QUERYBUF: Camera.querybuf,
    Ioctl.QBUF: Camera.qbuf,
    Ioctl.DQBUF: Camera.dqbuf,
    Ioctl.STREAMON: Camera.streamon,
    Ioctl.STREAMOFF: Camera.streamoff,
    Ioctl.QUERYCTRL: Camera.queryctrl,
    Ioctl.QUERY_EXT_CTRL: Camera.query_ext_ctrl,
    Ioctl.QUERYMENU: Camera.querymenu,
    Ioctl.G_CTRL: Camera.g_ctrl,
    Ioctl.S_CTRL: Camera.s_ctrl,
    Ioctl.G_EXT_CTRLS: Camera.g_ext_ctrls,
    Ioctl.S_EXT_CTRLS: Camera.s_ext_ctrls,
    Ioctl.TRY_EXT_CTRLS: Camera.try_ext_ctrls_only,
    Ioctl.SUBSCRIBE_EVENT: Camera.subscribe_event,
    Ioctl.UNSUBSCRIBE_EVENT: Camera.unsubscribe_event,
    Ioctl.DQEVENT: Camera.dqevent,
}
EXCLUSIVE = {Ioctl.S_FMT, Ioctl.S_PARM, Ioctl.S_INPUT, Ioctl.S_CTRL, Ioctl.S_EXT_CTRLS, Ioctl.S_PRIORITY}
EXCLUSIVE |= {Ioctl.REQBUFS, Ioctl.STREAMON, Ioctl.STREAMOFF}  # what a higher priority of another file forbids
METADATA_ANSWERS: dict[int, Answer] = {
    Ioctl.QUERYCAP: Camera.querycap,
    Ioctl.ENUM_FMT: Camera.enum_fmt_metadata,
    Ioctl.G_FMT: Camera.fmt_metadata,
    Ioctl.S_FMT: Camera.fmt_metadata,
    Ioctl.TRY_FMT: Camera.fmt_metadata,
}
