"""Snapshots: responses with a single frame, or with a placeholder that shows why there is none."""

import time

from bottle import HTTPResponse

from appliance.errors import CameraUnavailable, CorruptFrame
from appliance.frames import Frame, wall_clock
from appliance.http.negotiation import prefers_json
from appliance.http.responses import RETRY_AFTER, lenient_query
from appliance.parameters import Parameter
from appliance.service.camera import CameraService

PARAMETERS = (
    Parameter(
        name="max_age",
        kind="number",
        minimum=0,
        maximum=60,
        unit="s",
        default=0.0,
        help="Maximum age of the frame, in s. With 0, the default, the frame is captured after the request.",
    ),
    Parameter(
        name="max_delay",
        kind="number",
        minimum=0,
        maximum=60_000,
        unit="ms",
        help="The same in ms, as in camera-streamer; `max_age` takes precedence.",
    ),
    Parameter(
        name="upright",
        kind="boolean",
        help="Whether the pixels are transformed, for programs that ignore the EXIF orientation. Enabled by default if "
        "`camera.rotate` or `camera.flip_*` is set; `0` then returns the original bytes of the camera with the "
        "orientation as EXIF.",
    ),
)
# The next response contains another frame, so parts of two cannot be combined (RFC 9110, 14.3).
_LIVE = {"Content-Type": "image/jpeg", "Cache-Control": "no-store", "Accept-Ranges": "none"}


def respond(camera: CameraService) -> HTTPResponse:
    """Return the response with one frame, or a placeholder with the status of the error.

    Raises Busy, and CameraUnavailable if the client prefers JSON.
    """
    requested = lenient_query(PARAMETERS)
    max_age = requested.get("max_age", requested.get("max_delay", 0.0) / 1000)
    try:
        frame = camera.snapshot(max_age)
    except CameraUnavailable as error:
        if prefers_json():
            raise
        return _refusal(camera.placeholder(error), error.status)
    data = frame.jpeg
    if requested.get("upright", camera.is_turned):
        data = _upright(camera, frame)
    return HTTPResponse(data, 200, _headers(frame))


def _upright(camera: CameraService, frame: Frame) -> bytes:
    try:
        return camera.upright(frame)
    except CorruptFrame:  # the decoders differ in what they accept
        return frame.jpeg


def _headers(frame: Frame) -> dict[str, str]:
    captured = wall_clock(frame.captured_at)
    return _LIVE | {
        "X-Timestamp": f"{captured:.6f}",
        "X-Live": "1",
        "X-Exposure": frame.exposure,
        "X-Frame-Age": f"{max(0.0, time.time() - captured):.3f}",
        "Content-Disposition": "inline; filename=snapshot.jpg",
    }


def _refusal(picture: bytes, status: int) -> HTTPResponse:
    headers = _LIVE | {"X-Live": "0", "Vary": "Accept"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return HTTPResponse(picture, status, headers)
