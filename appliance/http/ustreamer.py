"""Compatibility with ustreamer: query parameters of the stream, and `/state`.

Names and formats are those of ustreamer 6.62 (src/ustreamer/http/server.c), for tools that support it (crowsnest,
moonraker, OctoPrint). Members without a meaning here are present and false.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from appliance.http.responses import lenient_query
from appliance.http.subscribers import StreamOptions, Viewer
from appliance.parameters import Parameter

STREAM_PARAMETERS = (
    Parameter(name="fps", kind="number", minimum=0.1, maximum=240, unit="1/s", help="Maximum frame rate."),
    Parameter(name="key", kind="text", maximum_length=128, help="Name that identifies a viewer in `/state`."),
    Parameter(name="extra_headers", kind="boolean", help="Add the headers of ustreamer to each frame."),
    Parameter(name="zero_data", kind="boolean", help="Send only the headers of each frame."),
)

_PASSED_THROUGH = ("MJPG", "JPEG")


def stream_options() -> StreamOptions:
    """Return the options of the current request; invalid parameters are ignored."""
    return StreamOptions(**lenient_query(STREAM_PARAMETERS))


def cookie(name: str, options: StreamOptions) -> str:
    """Return the cookie by which a page identifies its viewer in `/state`."""
    return f"stream_client_{name}={quote(options.key, safe='')}/{options.id:x}; path=/; max-age=30"


def state(state: Mapping[str, Any], quality: int, viewers: Iterable[Viewer]) -> dict[str, Any]:
    """Return the state of the appliance in the format of ustreamer. `quality` is that of encoded frames."""
    camera, requested, granted = state["camera"], state["format"]["requested"], state["format"]["granted"]
    size = granted or requested
    fps = round(state["fps"] or 0)
    statistics = {
        f"{viewer.options.id:x}": {
            "fps": viewer.fps,
            "extra_headers": viewer.options.extra_headers,
            "advance_headers": False,
            "dual_final_frames": False,
            "zero_data": viewer.options.zero_data,
            "key": viewer.options.key or "0",
        }
        for viewer in viewers
    }
    is_encoded = granted is None or granted["pixel_format"] not in _PASSED_THROUGH
    return {
        "ok": True,
        "result": {
            "instance_id": state["name"],
            "encoder": {"type": "CPU" if is_encoded else "HW", "quality": quality},
            "source": {
                "resolution": {"width": size["width"], "height": size["height"]},
                "online": camera["state"] == "online",
                "desired_fps": round(requested["fps"]),
                "captured_fps": fps,
            },
            "stream": {"queued_fps": fps, "clients": len(statistics), "clients_stat": statistics},
        },
    }
