"""The addresses of the stream and of snapshots under which other programs look for them.

Each is one that a widespread server answers to, and which programs made for that server have as a default or as an
example. The table is the only place that names them: routes, OpenAPI and docs/http.md follow from it.
"""

import re
from dataclasses import dataclass

from appliance.errors import NotFound

STREAM, SNAPSHOT = "/stream.mjpg", "/snapshot.jpg"
WEBCAM = "/webcam"
"""Where the reverse proxies of OctoPi, Mainsail and Fluidd have mjpg-streamer; `?action=` works as on `/`."""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another path of the stream or of snapshots, and the programs that use it. A slash at its end is allowed."""

    path: str
    target: str
    programs: str


ALIASES: tuple[Alias, ...] = (
    # ustreamer 6.62: src/ustreamer/http/server.c; camera-streamer 0.4: cmd/camera-streamer/http.c;
    # spyglass 0.15: spyglass/cli.py; arduino-esp32: libraries/ESP32/examples/Camera/CameraWebServer/app_httpd.cpp
    Alias("/stream", STREAM, "ustreamer, camera-streamer, spyglass, ESP32-CAM"),
    Alias("/snapshot", SNAPSHOT, "ustreamer, camera-streamer, spyglass"),
    Alias("/capture", SNAPSHOT, "ESP32-CAM"),
    # mjpg-streamer 1.0: mjpg-streamer-experimental/plugins/output_http/httpd.c, as WebcamXP has them (WXP_COMPAT)
    Alias("/cam.mjpg", STREAM, "mjpg-streamer"),
    Alias("/cam_0.mjpg", STREAM, "mjpg-streamer"),
    Alias("/cam.jpg", SNAPSHOT, "mjpg-streamer"),
    Alias("/cam_0.jpg", SNAPSHOT, "mjpg-streamer"),
    # go2rtc 1.9: internal/mjpeg/init.go. Its `?src=` names a camera, of which there is one here.
    Alias("/api/stream.mjpeg", STREAM, "go2rtc"),
    Alias("/api/frame.jpeg", SNAPSHOT, "go2rtc"),
    # motion 4.7: src/webu.c; motion 5: src/webu_stream.cpp. The number is that of the camera, 0 stands for all.
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
    # IP Webcam for Android, as its own page and the programs that read it have them; DroidCam has /video too.
    Alias("/video", STREAM, "IP Webcam (Android), DroidCam"),
    Alias("/videofeed", STREAM, "IP Webcam (Android)"),
    Alias("/shot.jpg", SNAPSHOT, "IP Webcam (Android)"),
    Alias("/photo.jpg", SNAPSHOT, "IP Webcam (Android)"),
    Alias("/photoaf.jpg", SNAPSHOT, "IP Webcam (Android)"),
    # Axis VAPIX, Video Streaming API 2.6, and the shorter ones that its cameras have beside it
    Alias("/axis-cgi/mjpg/video.cgi", STREAM, "Axis"),
    Alias("/mjpg/video.mjpg", STREAM, "Axis"),
    Alias("/axis-cgi/jpg/image.cgi", SNAPSHOT, "Axis"),
    Alias("/jpg/image.jpg", SNAPSHOT, "Axis"),
    # cam2web: WebAPI.md; the servers for ESP32 that follow Micro-RTSP have /mjpeg/1 and /jpg
    Alias("/camera/mjpeg", STREAM, "cam2web"),
    Alias("/camera/jpeg", SNAPSHOT, "cam2web"),
    Alias("/mjpeg", STREAM, "small servers in Python"),
    Alias("/mjpeg/1", STREAM, "small servers for ESP32"),
    Alias("/jpg", SNAPSHOT, "small servers for ESP32"),
)

# mjpg-streamer compares the beginning only, so programs came to append `?1234` against caches without a look.
_ACTION = re.compile(r"(stream|snapshot)(?:_([0-9]+))?(?![A-Za-z0-9_])")
_CHANGES = {
    "take": "to store a picture is POST /api/pictures",
    "command": "controls are set by PATCH /api/controls",
}


def paths(target: str) -> list[str]:
    """Return every path at which `target` is found, itself first.

    Those of the stream and of snapshots are there with a slash at their end too, which browsers and programs add.
    """
    found = [target, *(alias.path for alias in ALIASES if alias.target == target)]
    return [*found, *(f"{path}/" for path in found)] if len(found) > 1 else found


def wanted(action: str) -> str | None:
    """Return the path that mjpg-streamer's `?action=` stands for, None where it says nothing.

    The number behind `_` is that of a camera, of which there is one here. Raises NotFound for another, and for an
    action that would change something: a link must not.
    """
    if action in _CHANGES:
        raise NotFound(f"?action={action} is not offered, because it would change something: {_CHANGES[action]}")
    match = _ACTION.match(action)
    if match is None:
        return None
    if (match[2] or "").strip("0"):
        raise NotFound(f"there is no camera {match[2][:20]}; the only one is number 0: ?action={match[1]}_0")
    return STREAM if match[1] == "stream" else SNAPSHOT
