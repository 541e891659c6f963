"""Aliases of the stream and of snapshots: the paths that other camera servers use.

Each alias is a path of a widely used server, which its clients use by default or show as an example. Routes, OpenAPI
and docs/http.md are derived from this table.
"""

import re
from dataclasses import dataclass

from appliance.errors import NotFound

STREAM, SNAPSHOT = "/stream.mjpg", "/snapshot.jpg"
WEBCAM = "/webcam"
"""The path of mjpg-streamer behind the reverse proxies of OctoPi, Mainsail and Fluidd; `?action=` works as on `/`."""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another path of the stream or of snapshots, and the programs that use it. A trailing slash is accepted."""

    path: str
    target: str
    programs: str


ALIASES: tuple[Alias, ...] = (
    # ustreamer 6.62: src/ustreamer/http/server.c; camera-streamer 0.4: cmd/camera-streamer/http.c;
    # spyglass 0.15: spyglass/cli.py; arduino-esp32: libraries/ESP32/examples/Camera/CameraWebServer/app_httpd.cpp
    Alias("/stream", STREAM, "ustreamer, camera-streamer, spyglass, ESP32-CAM"),
    Alias("/snapshot", SNAPSHOT, "ustreamer, camera-streamer, spyglass"),
    Alias("/capture", SNAPSHOT, "ESP32-CAM"),
    # mjpg-streamer 1.0: mjpg-streamer-experimental/plugins/output_http/httpd.c, as in WebcamXP (WXP_COMPAT)
    Alias("/cam.mjpg", STREAM, "mjpg-streamer"),
    Alias("/cam_0.mjpg", STREAM, "mjpg-streamer"),
    Alias("/cam.jpg", SNAPSHOT, "mjpg-streamer"),
    Alias("/cam_0.jpg", SNAPSHOT, "mjpg-streamer"),
    # go2rtc 1.9: internal/mjpeg/init.go. Its `?src=` selects a camera and is ignored here.
    Alias("/api/stream.mjpeg", STREAM, "go2rtc"),
    Alias("/api/frame.jpeg", SNAPSHOT, "go2rtc"),
    # motion 4.7: src/webu.c; motion 5: src/webu_stream.cpp. The number is that of the camera; 0 means all.
    Alias("/0/stream", STREAM, "motion 4"),
    Alias("/1/stream", STREAM, "motion 4"),
    Alias("/1/substream", STREAM, "motion 4"),
    Alias("/current", SNAPSHOT, "motion 4"),
    Alias("/0/current", SNAPSHOT, "motion 4"),
    Alias("/1/current", SNAPSHOT, "motion 4"),
    Alias("/0/mjpg", STREAM, "motion 5"),
    Alias("/0/mjpg/stream", STREAM, "motion 5"),
    Alias("/1/mjpg", STREAM, "motion 5"),
    Alias("/1/mjpg/stream", STREAM, "motion 5"),
    Alias("/0/static", SNAPSHOT, "motion 5"),
    Alias("/1/static", SNAPSHOT, "motion 5"),
    Alias("/1/static/stream", SNAPSHOT, "motion 5"),
    # IP Webcam for Android: its own page and its clients; DroidCam also uses /video.
    Alias("/video", STREAM, "IP Webcam (Android), DroidCam"),
    Alias("/videofeed", STREAM, "IP Webcam (Android)"),
    Alias("/shot.jpg", SNAPSHOT, "IP Webcam (Android)"),
    Alias("/photo.jpg", SNAPSHOT, "IP Webcam (Android)"),
    Alias("/photoaf.jpg", SNAPSHOT, "IP Webcam (Android)"),
    # Axis VAPIX, Video Streaming API 2.6, and the shorter paths that Axis cameras also serve
    Alias("/axis-cgi/mjpg/video.cgi", STREAM, "Axis"),
    Alias("/mjpg/video.mjpg", STREAM, "Axis"),
    Alias("/axis-cgi/jpg/image.cgi", SNAPSHOT, "Axis"),
    Alias("/jpg/image.jpg", SNAPSHOT, "Axis"),
    # cam2web: WebAPI.md; ESP32 servers derived from Micro-RTSP use /mjpeg/1 and /jpg
    Alias("/camera/mjpeg", STREAM, "cam2web"),
    Alias("/camera/jpeg", SNAPSHOT, "cam2web"),
    Alias("/mjpeg", STREAM, "small servers in Python"),
    Alias("/mjpeg/1", STREAM, "small servers for ESP32"),
    Alias("/jpg", SNAPSHOT, "small servers for ESP32"),
)

# mjpg-streamer compares only the beginning, so some programs append `?1234` to it to bypass caches.
_ACTION = re.compile(r"(stream|snapshot)(?:_([0-9]+))?(?![A-Za-z0-9_])")
_REFUSED_ACTIONS = {
    "take": "to store a picture, use POST /api/pictures",
    "command": "to set controls, use PATCH /api/controls",
}


def paths(target: str) -> list[str]:
    """Return every path of `target`, itself first.

    The paths of the stream and of snapshots are also returned with a trailing slash, which some programs add.
    """
    found = [target, *(alias.path for alias in ALIASES if alias.target == target)]
    return [*found, *(f"{path}/" for path in found)] if len(found) > 1 else found


def action_target(action: str) -> str | None:
    """Return the path for an `?action=` of mjpg-streamer, or None if it has no meaning.

    The number after `_` selects a camera, and only 0 exists. Raises NotFound for another number, and for an action
    that would change something, because opening a link must not change anything.
    """
    if action in _REFUSED_ACTIONS:
        raise NotFound(
            f"?action={action} is not available, because it would change something; {_REFUSED_ACTIONS[action]}"
        )
    match = _ACTION.match(action)
    if match is None:
        return None
    if (match[2] or "").strip("0"):
        raise NotFound(f"there is no camera {match[2][:20]}; the only one is number 0: ?action={match[1]}_0")
    return STREAM if match[1] == "stream" else SNAPSHOT
