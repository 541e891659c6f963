"""Sources of frames: V4L2 devices, URLs, files, and the built-in test pattern; `sources` has them all.

A module that takes long to import is imported when a camera is opened, so the page is there before the first frame.
"""

import os

# OpenCV reads these once, when it is imported. Without the first, a camera that stalls is noticed after 10 s.
STALL_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
"""Environment variable: whole seconds after which a device that gives no frame counts as lost."""

os.environ.setdefault(STALL_TIMEOUT, "2")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")  # AV_LOG_FATAL: FFmpeg writes to standard error by itself
