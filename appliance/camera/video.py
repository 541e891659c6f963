"""A URL (RTSP, HTTP MJPEG, ...) or a video file through OpenCV's FFmpeg."""

import math
import os
import re
import time

import cv2

from appliance import jpeg
from appliance.camera import STALL_TIMEOUT
from appliance.camera.source import Camera
from appliance.errors import CameraLost, CameraUnavailable
from appliance.frames import Format
from appliance.parameters import without_password

_OPEN_TIMEOUT = 5  # s until a server answers
_LONGEST_GAP = 5  # s: a normal gap between frames, because a stream may begin with its next keyframe or segment
_USUAL_RATE = 25.0  # frames per second of a file that does not contain its rate
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Video(Camera):
    """Frames of a URL as they arrive, or of a file at its own rate, in a loop. It has no controls."""

    def __init__(self, source: str, quality: int) -> None:
        """Open the source. Raises CameraUnavailable."""
        self.device = without_password(source)
        self.description = "network stream" if _is_url(source) else "video file"
        self._quality = quality
        self._is_file = not _is_url(source)
        if self._is_file and not os.path.isfile(source):
            raise CameraUnavailable(_missing(source))
        self._source = source
        self._capture = cv2.VideoCapture()
        if not self._open():
            raise CameraUnavailable(f"{self.device} cannot be opened: it is not reachable or contains no video")
        self.granted = self._granted()
        self._next_at = time.monotonic()

    def grab(self) -> float:
        """Wait for the next picture. A file starts again at its end; a deleted file is not played further."""
        if self._is_file:
            self._wait_for_turn()
            if not os.path.isfile(self._source):
                raise CameraLost(_missing(self._source))
        if not self._capture.grab() and not (self._is_file and self._rewind()):
            raise CameraLost(f"{self.device} gives no more pictures")
        return time.monotonic()

    def jpeg(self) -> bytes:
        """Return the grabbed picture, encoded."""
        ok, image = self._capture.retrieve()
        if not ok:
            raise CameraLost(f"a picture of {self.device} cannot be read")
        return jpeg.encode_bgr(image.astype("uint8", copy=False), self._quality)

    def close(self) -> None:
        """Close the source."""
        self._capture.release()

    def _open(self) -> bool:
        stall = max(_LONGEST_GAP, int(os.environ[STALL_TIMEOUT]))
        limits = {cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: _OPEN_TIMEOUT * 1000, cv2.CAP_PROP_READ_TIMEOUT_MSEC: stall * 1000}
        return self._capture.open(self._source, cv2.CAP_FFMPEG, [each for limit in limits.items() for each in limit])

    def _granted(self) -> Format:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        return Format(
            width=int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=round(fps, 3) if math.isfinite(fps) and 0 < fps < 1000 else _USUAL_RATE,
            pixel_format="BGR3",
        )

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        if self._next_at > now:
            time.sleep(self._next_at - now)
        self._next_at = max(self._next_at, now - 1.0) + 1 / self.granted.fps

    def _rewind(self) -> bool:
        """Start again; a file that cannot be rewound, such as a single picture, is opened again."""
        if self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0) and self._capture.grab():
            return True
        return self._open() and self._capture.grab()


def _missing(source: str) -> str:
    return f"there is no video file {source}"


def _is_url(source: str) -> bool:
    return bool(_SCHEME.match(source))
