"""Server-Sent Events: what happens is told to everybody who listens."""

import json
from collections.abc import Callable
from typing import Any

from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera
from tests.streaming import Viewer


def until(listener: Viewer, name: str, condition: Callable[[Any], bool] = lambda _: True) -> Any:
    """Read events until one of that name meets the condition, and return its data."""
    while True:
        event, _, data = listener.until(b"\n\n").decode().partition("\n")
        if event == f"event: {name}" and condition(content := json.loads(data.removeprefix("data: "))):
            return content


def test_a_listener_is_told_state_and_controls_at_once(shared: RunningAppliance) -> None:
    with Viewer(shared, "/api/events") as listener:
        assert listener.head().headers["content-type"] == "text/event-stream; charset=utf-8"
        assert until(listener, "state")["camera"]["state"] == "online"
        assert until(listener, "controls")["values"]["contrast"] == 32


def test_the_state_is_told_again_and_again(shared: RunningAppliance) -> None:
    with Viewer(shared, "/api/events") as listener:
        listener.head()
        first = until(listener, "state")["uptime"]
        assert until(listener, "state", lambda state: state["uptime"] > first + 1)["fps"] > 0


def test_every_listener_gets_a_changed_control(watching: RunningAppliance) -> None:
    with Viewer(watching, "/api/events") as one, Viewer(watching, "/api/events") as other:
        one.head()
        other.head()
        watching.ask("PATCH", "/api/controls", {"brightness": 21})
        for listener in (one, other):
            until(listener, "controls", lambda controls: controls["values"]["brightness"] == 21)


def test_pictures_taken_and_deleted_are_told(running: RunningAppliance) -> None:
    with Viewer(running, "/api/events") as listener:
        listener.head()
        running.ask("POST", "/api/pictures")
        taken = until(listener, "picture")
        assert (taken["action"], taken["picture"]["id"], taken["total"]) == ("taken", 1, 1)
        running.ask("DELETE", "/api/pictures/1")
        deleted = until(listener, "picture")
        assert (deleted["action"], deleted["total"]) == ("deleted", 0)


def test_a_lost_camera_is_told_with_its_reason(watching: RunningAppliance, simcam: SimulatedCamera) -> None:
    with Viewer(watching, "/api/events") as listener:
        listener.head()
        simcam.unplug()
        lost = until(listener, "state", lambda state: state["camera"]["state"] == "lost")
        assert lost["camera"]["reason"]
        simcam.plug()
        back = until(listener, "state", lambda state: state["camera"]["state"] == "online")
        assert back["camera"]["reason"] is None


def test_listeners_are_no_viewers_and_are_forgotten_when_they_leave(shared: RunningAppliance) -> None:
    for _ in range(150):  # more than there are places at once
        with Viewer(shared, "/api/events") as listener:
            eventually(lambda: listener.head().status == 200, "a place")
    assert shared.state()["viewers"] == 0
