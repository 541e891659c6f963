"""The registry of sources: which one opens a name, and what `auto` chooses."""

from dataclasses import dataclass, field

import pytest

from appliance.camera import sources
from appliance.camera.source import AvailableFormat, Camera, Found
from appliance.controls import Control
from appliance.errors import CameraUnavailable
from appliance.frames import Format


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("test-pattern", "_Pattern"),
        ("/dev/video0", "_V4L2"),
        ("/dev/v4l/by-id/usb-Camera-video-index0", "_V4L2"),
        ("/dev/null", "_V4L2"),
        ("rtsp://camera.lan/live", "_Video"),
        ("http://camera.lan/?action=stream", "_Video"),
        ("films/garden.mkv", "_Video"),
        ("/srv/dev/video0", "_Video"),
        ("test-pattern.mp4", "_Video"),
    ],
)
def test_the_first_source_that_claims_a_name_opens_it(name: str, kind: str) -> None:
    assert type(sources.source_of(name)).__name__ == kind


@dataclass
class Plugged:
    """A source whose cameras are what the test says: the hardware, not our code."""

    cameras: list[Found] = field(default_factory=list)

    def claims(self, name: str) -> bool:
        return name.startswith("plugged:")

    def found(self) -> list[Found]:
        return self.cameras

    def stable_name(self, name: str) -> str:
        return name

    def is_present(self, name: str) -> bool | None:
        return name in [camera.path for camera in self.cameras]

    def inspect(self, _name: str) -> tuple[list[AvailableFormat], list[Control]]:
        return [], []

    def open(self, name: str, _requested: Format, _quality: int) -> Camera:
        raise CameraUnavailable(name)


USABLE = Found("plugged:usable", "", "Camera")
SECOND = Found("plugged:second", "", "Camera")
FORBIDDEN = Found("plugged:forbidden", "", None)


@pytest.mark.parametrize(
    ("setting", "former", "cameras", "chosen"),
    [
        ("auto", None, [], "test-pattern"),
        ("auto", None, [USABLE, SECOND], "plugged:usable"),
        ("auto", None, [FORBIDDEN, SECOND], "plugged:second"),
        ("auto", None, [FORBIDDEN], "plugged:forbidden"),
        ("auto", "plugged:second", [USABLE, SECOND], "plugged:second"),
        ("auto", "plugged:gone", [USABLE], "plugged:usable"),
        ("auto", "plugged:gone", [], "plugged:gone"),
        ("auto", "plugged:gone", [FORBIDDEN], "plugged:gone"),
        ("plugged:other", None, [USABLE], "plugged:other"),
        ("plugged:other", "plugged:stable", [USABLE], "plugged:stable"),
        ("test-pattern", None, [USABLE], "test-pattern"),
    ],
)
def test_auto_takes_what_is_found_and_waits_for_what_was_there(
    monkeypatch: pytest.MonkeyPatch, setting: str, former: str | None, cameras: list[Found], chosen: str
) -> None:
    # Without the source that looks at the devices of this machine.
    monkeypatch.setattr(sources, "SOURCES", (Plugged(cameras), *sources.SOURCES[::2]))
    assert sources.choose(setting, former) == chosen
