"""The facts of the camera."""

from typing import Any

from appliance.capture.lifecycle import STATES
from appliance.capture.thread import Capture
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
from appliance.parameters import without_password


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
