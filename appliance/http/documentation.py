"""docs/http.md: the stream, snapshots and pictures for programs, with every address at which they are found."""

from collections.abc import Iterator

from appliance.http.aliases import ALIASES, SNAPSHOT, STREAM, Alias
from appliance.http.compression import SMALLEST
from appliance.http.snapshots import PARAMETERS
from appliance.http.ustreamer import STREAM_PARAMETERS
from appliance.parameters import Parameter

_INTRODUCTION = """\
# HTTP, for programs

The commands, the other routes, rights and errors are in [commands.md](commands.md); `GET /api/openapi.json` describes
all of them for programs. This page is about pictures, and about what other programs expect of a camera.

Every `GET` also works as `HEAD`, and ignores query parameters that it does not know, such as `?_=1732800000` against
caches. A wrong value of a known parameter is refused with 400 by commands; the stream and snapshots ignore it, because
a picture is worth more than an error.
"""

_STREAM = """\
## The stream

`GET /stream.mjpg` is `multipart/x-mixed-replace`, without an end. Each part has a `Content-Length`; `X-Timestamp`, when
the frame was captured, in seconds since the epoch; and `X-Live`, which is `0` for the picture that says why the camera
gives none. Frames come at the rate of the camera, or at most `fps` a second.

FFmpeg takes an MJPEG stream for one of 25 frames a second, whatever its rate is: a recording then plays too fast or too
slowly. The option `-use_wallclock_as_timestamps 1` takes the time of arrival instead:

```sh
ffmpeg -use_wallclock_as_timestamps 1 -f mpjpeg -i http://ADDRESS:8000/stream.mjpg -c copy recording.mkv
```
"""

_SNAPSHOTS = """\
## Snapshots

`GET /snapshot.jpg` is one frame, captured after the request. `X-Timestamp` says when, `X-Frame-Age` how many seconds
ago, `X-Exposure` whether a camera that was just opened has found its exposure.

**Without a frame** the status is 503 with `Retry-After` (the camera is gone, or does not answer), or 409 (privacy is
on), and the body is a JPEG in the size of the frames that says why, with `X-Live: 0`: programs that show whatever comes
show the reason. A client whose `Accept` prefers `application/json` to `image/jpeg` gets the error as JSON.

**A turned camera**: where `camera.rotate` or `camera.flip_*` turn the picture, a snapshot has its pixels turned,
because programs for timelapse do not look at EXIF. `?upright=0` gives the bytes of the camera, with the orientation as
EXIF, as the stream and stored pictures have it. A frame is turned once, however many clients ask for it.

**Ranges**: a snapshot is always sent whole, with `Accept-Ranges: none`. The bytes of the next answer are those of
another frame, so that parts of two answers do not fit together (RFC 9110, 14.3). A stored picture,
`/api/pictures/{id}.jpg`, never changes: it has a strong `ETag`, `Last-Modified`, and byte ranges with `If-Range`.
Several ranges in one request are answered with the whole.
"""

_ADDRESSES = """\
## Addresses of other servers

Programs try the addresses of the server that they were made for. Each of these answers as `/stream.mjpg` or
`/snapshot.jpg`, with the same parameters and rights, and also with a slash at its end:
"""

_ACTIONS = """\
`/`, `/webcam` and `/webcam/` answer to `?action=stream` and `?action=snapshot`, as mjpg-streamer does, and to
`stream_0` and `snapshot_0`. Another number than 0 is 404: there is one camera. So are `?action=take` and
`?action=command`, because an address that only has to be opened must not change anything. Without an action `/` is the
page, and `/webcam` the stream. `GET /state` has the shape of ustreamer's. ESPHome's `esp32_camera_web_server` answers
on `/` of a port of its own, where the page is here.
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
            "| address | answers as | programs |",
            "| --- | --- | --- |",
            *(f"| `{alias.path}` | `{alias.target}` | {alias.programs} |" for alias in _sorted()),
            "",
            _ACTIONS,
            f"## Compression\n\nJSON and metrics of {SMALLEST} bytes or more are compressed with gzip for clients that",
            "accept it. The stream, events, JPEGs and archives never are.\n",
        ]
    )


def _parameters(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        yield f"- `{parameter.name}`: {parameter.help} Accepted: {parameter.accepted()}."
    yield ""


def _sorted() -> Iterator[Alias]:
    for target in (STREAM, SNAPSHOT):
        yield from (alias for alias in ALIASES if alias.target == target)
