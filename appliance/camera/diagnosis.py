"""Find out why a V4L2 device delivers no pictures, by trying the steps one by one.

OpenCV reports only that it failed. The appliance itself must not have the device open meanwhile.
"""

import errno
import os
from pathlib import Path

from linuxpy.video.device import BufferType, Capability, Device, VideoCapture

from appliance.camera.devices import devices
from appliance.camera.v4l2_controls import fourcc
from appliance.frames import Format

PROCESSES = Path("/proc")
_FORMATS_SHOWN = 3


def explain(path: str, requested: Format, pixel_format: str) -> str:
    """Return the reason why the device delivers no frames in that format, and the remedy."""
    try:
        with Device(path) as device:
            return _try_to_stream(device, path, requested, pixel_format)
    except OSError as error:
        return open_failure(path, error)


def open_failure(path: str, error: OSError) -> str:
    """Return the reason why a device cannot be opened, and the remedy."""
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"no camera is connected as {path}{_others()}"
        case errno.ENOTTY | errno.EISDIR:
            return f"{path} is no camera{_others()}"
        case errno.EACCES | errno.EPERM:
            return f"no permission to open {path}: add the user to the group video"
        case errno.EBUSY:
            return busy(path)
    return f"{path} cannot be opened: {error.strerror}"


def busy(path: str) -> str:
    """Return the message for a device that is in use, with the other processes if they can be determined."""
    names = holders(path)
    who = " and ".join(names) if names else "another program"
    return f"the camera is used by {who}: end that, or choose another camera"


def holders(path: str, processes: Path = PROCESSES) -> list[str]:
    """Return the other processes that have the file open, such as `motion (process 712)`.

    Only root sees those of other users.
    """
    target = os.path.realpath(path)
    found = []
    for descriptors in processes.glob("[0-9]*/fd"):
        process = descriptors.parent
        try:
            if process.name != str(os.getpid()) and any(
                os.path.realpath(each) == target for each in descriptors.iterdir()
            ):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
        except OSError:
            continue
    return sorted(found)


def _others() -> str:
    """Return the connected cameras, for the end of a message."""
    others = ", ".join(device.path for device in devices())
    return f"; connected: {others}" if others else ""


def _nearest_formats(device: Device, requested: Format) -> str:
    """Return the formats that are nearest to the requested one, for the end of a message."""
    offered = {(each.width, each.height, fourcc(each.pixel_format)) for each in device.info.frame_types}
    nearest = sorted(
        offered, key=lambda each: (abs(each[0] - requested.width) + abs(each[1] - requested.height), each[2])
    )
    return ", ".join(f"{width}x{height} {pixel_format}" for width, height, pixel_format in nearest[:_FORMATS_SHOWN])


def _try_to_stream(device: Device, path: str, requested: Format, pixel_format: str) -> str:
    if Capability.VIDEO_CAPTURE not in device.info.device_capabilities:
        return f"{path} delivers no frames; cameras have such devices beside the one for capture{_others()}"
    try:
        device.set_format(BufferType.VIDEO_CAPTURE, requested.width, requested.height, pixel_format or "MJPG")
        with VideoCapture(device, size=2):
            pass
    except OSError as error:
        match error.errno:
            case errno.EBUSY:
                return busy(path)
            case errno.ENOSPC:
                return (
                    "not enough USB bandwidth for this format: choose MJPG, a smaller size or a lower rate, or plug "
                    "the camera into a port of another USB controller"
                )
            case errno.ENODEV:
                return "the camera is unplugged"
            case errno.EINVAL:
                return (
                    f"the camera refuses {requested}; the nearest that it offers: {_nearest_formats(device, requested)}"
                )
        return f"the camera does not stream: {error.strerror}"
    return "the camera is connected but delivers no frames"
