"""What tests of faults share: formats to change between, and the end of all faults of the simulated camera."""

from typing import Any

from tests.simcam import SimulatedCamera

FORMATS: tuple[dict[str, Any], ...] = (
    {"width": 640, "height": 480, "fps": 30, "pixel_format": "MJPG"},
    {"width": 640, "height": 480, "fps": 15, "pixel_format": "YUYV"},
    {"width": 1920, "height": 1080, "fps": 30, "pixel_format": "MJPG"},
    {"width": 1280, "height": 720, "fps": 30, "pixel_format": "auto"},
)


def heal(camera: SimulatedCamera) -> None:
    """End all faults of the camera and plug it in where it was at first."""
    camera.resume()
    camera.no_frames_at(0)
    camera.truncate(0)
    camera.corrupt(0)
    camera.dark_start(0)
    camera.reset_controls_after(None)
    for end in (
        camera.strip_huffman,
        camera.freeze,
        camera.busy,
        camera.no_bandwidth,
        camera.forbidden,
        camera.no_events,
    ):
        end(False)
    camera.ignore_writes(False)
    camera.plug(camera.options.number)
