"""The commands and facts of the camera, for HTTP and MQTT alike."""

import time
from typing import Any

from appliance.camera.source import AUTO
from appliance.capture.lifecycle import STATES
from appliance.capture.snapshots import Snapshots
from appliance.capture.thread import Capture
from appliance.commands import command
from appliance.controls import report
from appliance.errors import CameraUnavailable
from appliance.events import Event, Events
from appliance.facts import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Counter,
    Entity,
    Fact,
    Metric,
    choice,
    members,
    nullable,
    reference,
    whole,
)
from appliance.frames import Format, Frame, FrameSlot
from appliance.parameters import Parameter, without_password
from appliance.service.status import StatusService
from appliance.settings import CameraSettings, parameters_of
from appliance.system.log import logger

log = logger(__name__)

CONTROLS = Event("controls", "The controls changed.", report="Controls", stream="controls", bus=False)
CAMERA = Event(
    "camera",
    "The state of the camera changed.",
    {"state": choice(*STATES), "former": choice(*STATES), "reason": nullable(TEXT)},
    stream="camera",
    bus=False,
)
_REASON = {"reason": nullable(TEXT)}
CAMERA_LOST = Event("camera_lost", "The camera stopped delivering frames.", _REASON)
CAMERA_BACK = Event("camera_back", "The camera delivers frames again.", _REASON)
CAMERA_FROZEN = Event("camera_frozen", "The picture no longer changes.", _REASON)
PRIVACY_ON = Event("privacy_on", "Privacy was switched on: the camera is closed.", _REASON)
PRIVACY_OFF = Event("privacy_off", "Privacy was switched off.", _REASON)

USABLE = ("online", "idle")
"""States in which the camera accepts commands and delivers pictures; an idle camera is opened when it is needed."""

_SETTINGS = {each.name: each for each in parameters_of("camera", CameraSettings)}


def _camera(capture: Capture) -> dict[str, Any]:
    status = capture.status
    return {
        "state": status.state,
        "reason": status.reason,
        "since": status.since.isoformat(timespec="seconds"),
        "source": without_password(capture.source),
        "device": status.device,
        "description": status.description,
    }


def _formats(capture: Capture) -> dict[str, Any]:
    granted = capture.status.granted
    return {"requested": capture.requested.as_json(), "granted": granted.as_json() if granted else None}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


FACTS = (
    Fact(
        "camera",
        members(
            state=choice(*STATES),
            reason=nullable(TEXT),
            since=TIME,
            source=TEXT,
            device=nullable(TEXT),
            description=nullable(TEXT),
        ),
        "The state of the camera, with its reason and the time since when it applies; the camera's source and device.",
        _camera,
        label="Camera",
        urgent=whole,
        metric=Metric(
            "camera_online",
            "Whether the camera delivers frames that change.",
            value=lambda camera: float(camera["state"] == "online"),
        ),
        entities=(
            Entity(
                "Camera state",
                key="camera_state",
                value="value.state",
                device_class="enum",
                options=STATES,
                has_attributes=True,
            ),
            Entity("Camera", "binary_sensor", key="connectivity", topic="camera", device_class="connectivity"),
        ),
    ),
    Fact(
        "privacy",
        BOOLEAN,
        "Whether privacy is on: the camera stays closed.",
        lambda capture: capture.privacy,
        urgent=whole,
    ),
    Fact(
        "format",
        members(requested=reference("Format"), granted=nullable(reference("Format"))),
        "The format that was requested, and the one that the camera granted.",
        _formats,
        label="Format",
        urgent=whole,
    ),
    Fact(
        "fps",
        nullable(NUMBER),
        "Frames per second that the camera delivers.",
        lambda capture: _rounded(capture.fps, 1),
        label="Rate",
        urgent=lambda fps: fps is None,
        unit="fps",
        metric=Metric("frames_per_second", "Frames per second that the camera delivers."),
        entities=(Entity("Frame rate", unit="fps", icon="mdi:speedometer", precision=1, state_class="measurement"),),
    ),
    Fact(
        "frame_age",
        nullable(NUMBER),
        "Seconds since the newest frame was captured.",
        lambda capture: _rounded(capture.frame_age, 3),
        label="Frame age",
        unit="s",
        metric=Metric("frame_age_seconds", "Age of the newest frame."),
        entities=(
            Entity(
                "Frame age",
                unit="s",
                device_class="duration",
                precision=2,
                state_class="measurement",
                enabled=False,
            ),
        ),
    ),
    Fact(
        "frames.captured",
        INTEGER,
        "Good frames that the camera delivered.",
        lambda capture: capture.captured,
        metric=Metric("frames_captured", "Good frames that the camera delivered.", "counter"),
    ),
    Fact(
        "frames.corrupt",
        INTEGER,
        "Damaged frames that the camera delivered; they are not shown.",
        lambda capture: capture.corrupt,
        label="Corrupt frames",
        metric=Metric("frames_corrupt", "Damaged frames that the camera delivered; they are not shown.", "counter"),
        entities=(Entity("Corrupt frames", state_class="total_increasing", enabled=False),),
    ),
)
COUNTERS = (
    Counter(
        "camera_state_entered",
        "How often the camera entered a state.",
        lambda capture: {capture.status.state: 0, **capture.entered},
        label="state",
    ),
)


def _like_setting(name: str, help: str) -> Parameter:
    """Return an argument with the limits of the camera setting of the same name."""
    parameter = _SETTINGS[f"camera.{name}"]
    return Parameter(
        name=name,
        kind=parameter.kind,
        help=help,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        unit=parameter.unit,
        pattern=parameter.pattern,
    )


class CameraService:
    """One camera. Every method may be called from any thread except the camera thread."""

    events = (CONTROLS, CAMERA, CAMERA_LOST, CAMERA_BACK, CAMERA_FROZEN, PRIVACY_ON, PRIVACY_OFF)

    def __init__(
        self, settings: CameraSettings, capture: Capture, slot: FrameSlot, status: StatusService, events: Events
    ) -> None:
        self._capture = capture
        self._snapshots = Snapshots(settings, capture, slot)
        self._status = status
        self._events = events
        self._former = capture.status.state
        self._is_away = False
        capture.on_change = self._on_change
        capture.on_controls = lambda: self._events.emit(CONTROLS, self.known_controls() or {})

    # ------------------------------------------------------------------ commands

    @command("GET", "/api/controls", right="view", result="Controls")
    def get_controls(self) -> dict[str, Any]:
        """Return every control of the camera, with its limits and its current value."""
        return report(self._capture.controls())

    @command("PATCH", "/api/controls", right="control", free=True, result="Controls")
    def set_controls(self, values: dict[str, object]) -> dict[str, Any]:
        """Set one or more controls by name; if one value is invalid, none is set."""
        controls = self._capture.set_controls(values)
        if values:
            now = {each.name: each.value for each in controls if each.name in values}
            log.info("controls set: %s", ", ".join(f"{name}={value}" for name, value in now.items()))
        return report(controls)

    @command(
        "POST",
        "/api/controls/reset",
        Parameter(name="names", kind="text", repeated=True, help="The controls to reset; all if omitted."),
        right="control",
        result="Controls",
        press="Reset controls",
    )
    def reset_controls(self, names: list[str] | None = None) -> dict[str, Any]:
        """Set controls to their defaults and delete their saved values."""
        controls = self._capture.reset_controls(names)
        log.info("controls reset: %s", ", ".join(names) if names is not None else "all")
        return report(controls)

    @command("GET", "/api/format", right="view", result="FormatReport")
    def get_format(self) -> dict[str, Any]:
        """Return the requested format, the format that the camera granted, and the formats that it offers."""
        return self._format_report()

    @command(
        "PATCH",
        "/api/format",
        _like_setting("width", "Width of the frames."),
        _like_setting("height", "Height of the frames."),
        _like_setting("fps", "Frames per second."),
        _like_setting("pixel_format", "Four characters such as `MJPG`, or `auto`."),
        right="control",
        result="FormatReport",
    )
    def set_format(self, **changes: Any) -> dict[str, Any]:
        """Change the size, rate or pixel format while running; the camera may grant a different format."""
        requested = Format(**(self._capture.requested.as_json() | changes))
        if requested != self._capture.requested:
            self._capture.set_format(requested)
            log.info("requested format: %s; granted: %s", requested, self._capture.status.granted)
        return self._format_report()

    @command("POST", "/api/camera/restart", right="control", result="State", press="Restart camera")
    def restart_camera(self) -> dict[str, Any]:
        """Close the camera and open it again."""
        self._capture.restart()
        log.info("camera restarted")
        return self._status.get_state()

    @command(
        "PUT",
        "/api/privacy",
        Parameter(name="on", kind="boolean", help="Whether to keep the camera closed.", required=True),
        right="control",
        result="Privacy",
    )
    def set_privacy(self, on: bool) -> dict[str, Any]:
        """Switch privacy on or off. While it is on, also after a restart, the camera is closed and viewers see that."""
        self._capture.set_privacy(on)
        self._status.emit()
        return {"privacy": self._capture.privacy}

    # ------------------------------------------------------------------ for the adapters

    def frame_after(self, time_: float) -> Frame:
        """Return a frame captured after that time (CLOCK_MONOTONIC, s), with settled exposure.

        Raises PrivacyOn, CameraUnavailable with the reason, Busy.
        """
        return self._snapshots.take(time_)

    def snapshot(self, max_age: float = 0.0) -> Frame:
        """Return a frame captured after this call, or one that is no older than `max_age` s.

        Raises PrivacyOn, and CameraUnavailable with the reason if no frame arrives within 3 s (8 s if the camera has to
        be opened first).
        """
        return self._snapshots.take(time.monotonic() - max_age)

    @property
    def is_turned(self) -> bool:
        """Whether the EXIF orientation of the frames has to be applied to see them upright."""
        return self._snapshots.orientation != 1

    def upright(self, frame: Frame) -> bytes:
        """Return the JPEG of a frame with its pixels rotated, for programs that ignore the EXIF orientation."""
        return self._snapshots.upright(frame)

    def placeholder(self, error: CameraUnavailable) -> bytes:
        """Return a JPEG that shows why there is no frame."""
        return self._snapshots.placeholder(error)

    def known_controls(self) -> dict[str, Any] | None:
        """Return the controls as they were last read, without waiting for the camera; None before the first time."""
        controls = self._capture.known_controls
        return None if controls is None else report(controls)

    def known_formats(self) -> list[dict[str, Any]]:
        """Return the formats of the camera that was opened last, without waiting for it; empty if it offers none."""
        return [each.as_json() for each in self._capture.known_formats]

    @property
    def shows_stand_in(self) -> bool:
        """Whether the test pattern is shown because there is no camera, not because the settings select it."""
        return self._capture.status.is_stand_in and self._capture.source == AUTO

    def is_fresh(self) -> bool:
        """Return whether frames arrive: the last is no older than 2 s, or three frame intervals if those are longer.

        A camera that is closed intentionally counts as fresh.
        """
        status, age = self._capture.status, self._capture.frame_age
        if status.state in ("idle", "privacy"):
            return True
        if status.state != "online" or status.granted is None or age is None:
            return False
        return age < max(2.0, 3 / status.granted.fps if status.granted.fps else 0)

    def _format_report(self) -> dict[str, Any]:
        formats = self._capture.call(lambda camera: camera.formats())
        granted = self._capture.status.granted
        return {
            "requested": self._capture.requested.as_json(),
            "granted": granted.as_json() if granted else None,
            "available": [each.as_json() for each in formats],
        }

    def _on_change(self) -> None:
        """Emit the events of a new status; called on the camera thread, so that no transition is missed."""
        status, former = self._capture.status, self._former
        self._former = status.state
        if status.state != former:
            self._events.emit(CAMERA, {"state": status.state, "former": former, "reason": status.reason})
            if event := self._event_of(former, status.state):
                self._events.emit(event, {"reason": status.reason})
        self._status.emit()

    def _event_of(self, former: str, state: str) -> Event | None:
        """Return the event of a transition from one state of the camera to another; None if it has none."""
        if state == "privacy":
            return PRIVACY_ON
        if former == "privacy":
            return PRIVACY_OFF
        if state in ("lost", "frozen"):
            self._is_away = True
            return CAMERA_LOST if state == "lost" else CAMERA_FROZEN
        was_away, self._is_away = self._is_away, self._is_away and state != "online"
        return CAMERA_BACK if was_away and state == "online" else None
