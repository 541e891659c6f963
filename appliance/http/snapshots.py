"""Answers with a single frame, or with a picture that says why there is none."""

import time

from bottle import HTTPResponse

from appliance.errors import CameraUnavailable, CorruptFrame
from appliance.frames import Frame, wall_clock
from appliance.http.negotiation import prefers_json
from appliance.http.responses import RETRY_AFTER, understood
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
        help="The frame may be as old as that, in s. 0, the default, is a frame captured after the request.",
    ),
    Parameter(
        name="max_delay",
        kind="number",
        minimum=0,
        maximum=60_000,
        unit="ms",
        help="The same in ms, as camera-streamer has it; `max_age` is stronger.",
    ),
    Parameter(
        name="upright",
        kind="boolean",
        help="Whether the pixels themselves are turned, for programs that do not look at the orientation. The default "
        "is yes where `camera.rotate` or `camera.flip_*` turn the picture; `0` then gives the bytes of the camera with "
        "the orientation as EXIF.",
    ),
)
# The bytes of the next answer are those of another frame: parts of two would not fit together (RFC 9110, 14.3).
_LIVE = {"Content-Type": "image/jpeg", "Cache-Control": "no-store", "Accept-Ranges": "none"}


def answer(camera: CameraService) -> HTTPResponse:
    """Return the response with one frame; without one, with the picture of the reason and the status of the error.

    Raises CameraUnavailable instead where the client prefers JSON, and Busy.
    """
    wished = understood(PARAMETERS)
    max_age = wished.get("max_age", wished.get("max_delay", 0.0) / 1000)
    try:
        frame = camera.snapshot(max_age)
    except CameraUnavailable as error:
        if prefers_json():
            raise
        return _refusal(camera.placeholder(error), error.status)
    data = frame.jpeg
    if wished.get("upright", camera.is_turned):
        data = _upright(camera, frame)
    return HTTPResponse(data, 200, _headers(frame))


def _upright(camera: CameraService, frame: Frame) -> bytes:
    try:
        return camera.upright(frame)
    except CorruptFrame:  # one decoder is more generous than the other
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
