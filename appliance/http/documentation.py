"""The text of docs/http.md: the stream, snapshots and pictures for programs, with all their addresses."""

from collections.abc import Iterator

from appliance.http.aliases import ALIASES, SNAPSHOT, STREAM, Alias
from appliance.http.compression import MINIMUM_SIZE
from appliance.http.snapshots import PARAMETERS
from appliance.http.ustreamer import STREAM_PARAMETERS
from appliance.parameters import Parameter

_INTRODUCTION = """\
# HTTP, for programs

The commands, the other routes, rights and errors are in [commands.md](commands.md); `GET /api/openapi.json` describes
all of them in a machine-readable form. This page describes the stream, snapshots and pictures, and the compatibility
with other camera servers.

Every `GET` also works as `HEAD`, and ignores unknown query parameters, such as `?_=1732800000`, which bypasses caches.
Commands refuse an invalid value of a known parameter with 400; the stream and snapshots ignore it and return a picture.
"""

_STREAM = """\
## The stream

`GET /stream.mjpg` is an endless `multipart/x-mixed-replace` response. Each part has the headers `Content-Length`;
`X-Timestamp`, the time of capture in seconds since the epoch; and `X-Live`, which is `0` for a placeholder that shows
why the camera delivers no frames. Frames are sent at the rate of the camera, limited by `fps`.

FFmpeg assumes 25 frames per second for an MJPEG stream, regardless of its rate, so that recordings play too fast or too
slowly. The option `-use_wallclock_as_timestamps 1` uses the time of arrival instead:

```sh
ffmpeg -use_wallclock_as_timestamps 1 -f mpjpeg -i http://ADDRESS:8000/stream.mjpg -c copy recording.mkv
```
"""

_SNAPSHOTS = """\
## Snapshots

`GET /snapshot.jpg` returns one frame, captured after the request. `X-Timestamp` is the time of capture, `X-Frame-Age`
the age in seconds, and `X-Exposure` whether the exposure of a recently opened camera has settled.

**Without a frame**, the status is 503 with `Retry-After` (the camera is missing or does not respond) or 409 (privacy is
on). The body is a JPEG in the size of the frames that shows the reason, with `X-Live: 0`, so that programs that ignore
the status display the reason. A client whose `Accept` prefers `application/json` to `image/jpeg` gets the error as
JSON.

**Rotated cameras**: if `camera.rotate` or `camera.flip_*` is set, the pixels of a snapshot are transformed, because
timelapse programs ignore EXIF. `?upright=0` returns the original bytes of the camera with the orientation as EXIF, like
the stream and stored pictures. A frame is transformed once, regardless of the number of clients.

**Ranges**: a snapshot is always sent completely, with `Accept-Ranges: none`. The next response contains another frame,
so parts of two responses cannot be combined (RFC 9110, 14.3). A stored picture, `/api/pictures/{id}.jpg`, never
changes: it has a strong `ETag`, `Last-Modified`, and byte ranges with `If-Range`. A request for multiple ranges gets
the complete picture.
"""

_ADDRESSES = """\
## Addresses of other servers

Many programs expect the paths of a specific camera server. Each of these paths is an alias of `/stream.mjpg` or
`/snapshot.jpg`, with the same parameters and rights, with or without a trailing slash:
"""

_ACTIONS = """\
`/`, `/webcam` and `/webcam/` support `?action=stream` and `?action=snapshot`, like mjpg-streamer, and also `stream_0`
and `snapshot_0`. Any number except 0 is 404, because there is only one camera. `?action=take` and `?action=command` are
404 too, because opening a link must not change anything. Without an action, `/` is the page and `/webcam` is the
stream. `GET /state` has the format of ustreamer. ESPHome's `esp32_camera_web_server` is not supported: it serves the
stream at `/` of its own port, which is the page here.
"""


def document() -> str:
    """Return the document as Markdown."""
    return "\n".join(
        [
            _INTRODUCTION,
            _STREAM,
            *_parameters(STREAM_PARAMETERS),
            _SNAPSHOTS,
            *_parameters(PARAMETERS),
            _ADDRESSES,
            "| address | alias of | programs |",
            "| --- | --- | --- |",
            *(f"| `{alias.path}` | `{alias.target}` | {alias.programs} |" for alias in _sorted()),
            "",
            _ACTIONS,
            f"## Compression\n\nJSON and metrics of {MINIMUM_SIZE} bytes or more are compressed with gzip for clients",
            "that accept it. The stream, events, JPEGs and archives are never compressed.\n",
        ]
    )


def _parameters(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        yield f"- `{parameter.name}`: {parameter.help} Accepted: {parameter.accepted()}."
    yield ""


def _sorted() -> Iterator[Alias]:
    for target in (STREAM, SNAPSHOT):
        yield from (alias for alias in ALIASES if alias.target == target)
