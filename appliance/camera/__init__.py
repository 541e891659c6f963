"""Sources of frames: V4L2 devices, URLs, files, and the built-in test pattern; `sources` has them all.

Modules that take long to import are imported when a camera is opened, so that the page is served before that.
"""

import os

# OpenCV reads these variables once, when it is imported. Its own default for the first is 10 s.
STALL_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
"""Environment variable: whole seconds after which a device that delivers no frame counts as lost."""

os.environ.setdefault(STALL_TIMEOUT, "2")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")  # AV_LOG_FATAL: FFmpeg writes to standard error directly
