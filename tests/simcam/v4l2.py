"""The part of the V4L2 interface that the simulated camera speaks: ioctl numbers, constants, struct layouts (64-bit).

Numbers and layouts are the kernel's (linux/videodev2.h); the names leave its prefixes out.
"""

from __future__ import annotations

import struct
from enum import IntEnum


class Ioctl(IntEnum):
    """The requests that are answered; every other one is ENOTTY. MAP_BUFFERS is our own (see simcam.c)."""

    MAP_BUFFERS = 0
    QUERYCAP = 0x80685600
    ENUM_FMT = 0xC0405602
    G_FMT = 0xC0D05604
    S_FMT = 0xC0D05605
    REQBUFS = 0xC0145608
    QUERYBUF = 0xC0585609
    QBUF = 0xC058560F
    DQBUF = 0xC0585611
    STREAMON = 0x40045612
    STREAMOFF = 0x40045613
    G_PARM = 0xC0CC5615
    S_PARM = 0xC0CC5616
    ENUMINPUT = 0xC050561A
    G_CTRL = 0xC008561B
    S_CTRL = 0xC008561C
    QUERYCTRL = 0xC0445624
    QUERYMENU = 0xC02C5625
    G_INPUT = 0x80045626
    S_INPUT = 0xC0045627
    TRY_FMT = 0xC0D05640
    G_PRIORITY = 0x80045643
    S_PRIORITY = 0x40045644
    G_EXT_CTRLS = 0xC0205647
    S_EXT_CTRLS = 0xC0205648
    TRY_EXT_CTRLS = 0xC0205649
    ENUM_FRAMESIZES = 0xC02C564A
    ENUM_FRAMEINTERVALS = 0xC034564B
    DQEVENT = 0x80885659
    SUBSCRIBE_EVENT = 0x4020565A
    UNSUBSCRIBE_EVENT = 0x4020565B
    QUERY_EXT_CTRL = 0xC0E85667


CAPABILITY = struct.Struct("<16s32s32sIII12x")  # driver, card, bus, version, capabilities, device_caps
FORMAT_DESCRIPTION = struct.Struct("<III32sI16x")  # index, type, flags, description, pixelformat
PIX_FORMAT = struct.Struct("<I4x12I152x")  # type; width height format field line size colours ..
REQUEST_BUFFERS = struct.Struct("<IIIIB3x")  # count, type, memory, capabilities, flags
BUFFER = struct.Struct("<5I4xqq16xIIQI12x")  # index type bytesused flags field; s us; sequence memory offset length
STREAM_PARAMETERS = struct.Struct("<7I176x")  # type; capability, mode, numerator, denominator, extended, readbuffers
INPUT = struct.Struct("<I32sIIIQII16x")  # index, name, type, audioset, tuner, std, status, capabilities
FRAME_SIZE = struct.Struct("<5I24x")  # index, pixel_format, type, width, height
FRAME_INTERVAL = struct.Struct("<7I24x")  # index, pixel_format, width, height, type, numerator, denominator
QUERY_CONTROL = struct.Struct("<II32siiiiI8x")  # id, type, name, minimum, maximum, step, default, flags
QUERY_EXT_CONTROL = struct.Struct("<II32sqqQqIIII144x")  # .. flags, elem_size, elems, nr_of_dims
QUERY_MENU = struct.Struct("<II32s4x")  # id, index, name
CONTROL = struct.Struct("<Ii")  # id, value
EXT_CONTROLS = struct.Struct("<IIIi16x")  # which, count, error_idx, request_fd
EXT_CONTROL = struct.Struct("<II4xi4x")  # id, size, value
EVENT = struct.Struct("<I4xIIqIiiii28xIIqqI36x")  # type; changes type value flags ..; pending sequence s ns id
EVENT_SUBSCRIPTION = struct.Struct("<III20x")  # type, id, flags
WORD = struct.Struct("<I")

CAP_VIDEO_CAPTURE = 0x00000001
CAP_EXT_PIX_FORMAT = 0x00200000
CAP_META_CAPTURE = 0x00800000
CAP_STREAMING = 0x04000000
CAP_DEVICE_CAPS = 0x80000000

TYPE_VIDEO_CAPTURE = 1
TYPE_META_CAPTURE = 13
MEMORY_MMAP = 1
FORMAT_COMPRESSED = 1
FRAME_DISCRETE = 1
FIELD_NONE = 1
COLORSPACE_SRGB = 8
PRIV_MAGIC = 0xFEEDCAFE
PRIORITY_INTERACTIVE = 2
TIME_PER_FRAME = 0x1000
INPUT_CAMERA = 2
BUFFER_CAPABILITIES = 0x11  # MMAP, and buffers may be freed while they are mapped

BUFFER_QUEUED = 0x2
BUFFER_DONE = 0x4
BUFFER_OF_REQUEST = 0x800000
BUFFER_TIMESTAMP_MONOTONIC = 0x2000
BUFFER_TIMESTAMP_START_OF_EXPOSURE = 0x10000

EVENT_ALL = 0
EVENT_CTRL = 3
EVENT_CHANGED_VALUE = 1
EVENT_CHANGED_FLAGS = 2
EVENT_SEND_INITIAL = 1
EVENT_ALLOW_FEEDBACK = 2

CONTROL_INTEGER = 1
CONTROL_BOOLEAN = 2
CONTROL_MENU = 3
CONTROL_CLASS = 6
CONTROL_READ_ONLY = 0x04
CONTROL_INACTIVE = 0x10
CONTROL_SLIDER = 0x20
CONTROL_WRITE_ONLY = 0x40
NEXT_CONTROL = 0x80000000
NEXT_COMPOUND = 0x40000000
WHICH_DEFAULT = 0x0F000000
WHICH_REQUEST = 0x0F010000
USER_CLASS = 0x00980000
CAMERA_CLASS = 0x009A0000


def fourcc(name: str) -> int:
    """The number of a pixel format such as "MJPG"."""
    return int.from_bytes(name.encode("ascii"), "little")


METADATA_FORMAT = fourcc("UVCH")
