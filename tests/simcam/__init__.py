"""A simulated UVC webcam at the V4L2 boundary: unmodified programs run against it by LD_PRELOAD. See README.md."""

from __future__ import annotations

from tests.simcam.client import CameraError, SimulatedCamera, Statistics
from tests.simcam.frames import Stamp, read_stamp, read_yuyv_sequence

__all__ = ["CameraError", "SimulatedCamera", "Stamp", "Statistics", "read_stamp", "read_yuyv_sequence"]
