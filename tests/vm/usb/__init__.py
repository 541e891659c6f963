"""A USB camera that does not exist, plugged in by USB/IP: the kernel's own uvcvideo drives it.

`simcam` stands between programs and the kernel; this one stands behind the kernel, so that nodes, udev's events, links,
groups and the sandbox's list of devices are real. Pictures and controls are simcam's.

From the cable inwards: `usbip` is the cable, `camera` the device, `descriptors` what it says of itself, `controls` its
controls in the words of USB, `attach` the other end, in the machine.
"""

from tests.vm.usb.camera import UsbCamera
from tests.vm.usb.usbip import Cable

__all__ = ["Cable", "UsbCamera"]
