"""What ustreamer's users may ask for: query parameters of the stream, and its `/state`.

The names and shapes are those of ustreamer 6.62 (src/ustreamer/http/server.c), so that tools made for it (crowsnest,
moonraker, OctoPrint) find what they look for. What has no meaning here is there, and says no.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from appliance.http.clients import Viewer, Wish
from appliance.http.exchange import understood
from appliance.parameters import Parameter

STREAM_PARAMETERS = (
    Parameter(name="fps", kind="number", minimum=0.1, maximum=240, unit="1/s", help="At most so many a second."),
    Parameter(name="key", kind="text", maximum_length=128, help="Name by which a viewer finds itself in `/state`."),
    Parameter(name="extra_headers", kind="boolean", help="Tell more about each frame, as ustreamer does."),
    Parameter(name="zero_data", kind="boolean", help="Send the headers of each frame only."),
)

_PASSED_THROUGH = ("MJPG", "JPEG")


def wish() -> Wish:
    """Return what the address of the stream wishes; what cannot be understood is passed over."""
    return Wish(**understood(STREAM_PARAMETERS))


def cookie(name: str, wished: Wish) -> str:
    """Return the cookie by which a page finds its own viewer in `/state`."""
    return f"stream_client_{name}={quote(wished.key, safe='')}/{wished.id:x}; path=/; max-age=30"


def state(state: Mapping[str, Any], quality: int, viewers: Iterable[Viewer]) -> dict[str, Any]:
    """Return the state of the appliance as ustreamer would tell it. `quality` is that of frames we encode."""
    camera, requested, granted = state["camera"], state["format"]["requested"], state["format"]["granted"]
    size = granted or requested
    fps = round(state["fps"] or 0)
    statistics = {
        f"{viewer.wish.id:x}": {
            "fps": viewer.fps,
            "extra_headers": viewer.wish.extra_headers,
            "advance_headers": False,
            "dual_final_frames": False,
            "zero_data": viewer.wish.zero_data,
            "key": viewer.wish.key or "0",
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
