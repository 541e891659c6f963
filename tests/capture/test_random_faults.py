"""Whatever happens to the camera, in whatever order: the appliance lives, answers, keeps its viewers, and recovers.

Hypothesis chooses the faults, the same ones in every run.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from appliance.capture.lifecycle import STATES
from tests.faults import FORMATS, heal
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera
from tests.spectators import Spectator

WALKS, STEPS = 10, 20
LONGEST_PAUSE = 1.2  # s: the stall timeout, and some


class Faults(RuleBasedStateMachine):
    """One walk: viewers come and go, people ask for things, the camera fails."""

    def __init__(self, camera: SimulatedCamera, appliance: RunningAppliance) -> None:
        super().__init__()
        self.camera = camera
        self.appliance = appliance
        self.viewers = [Spectator(appliance).__enter__()]

    # -- the camera

    @rule()
    def unplug(self) -> None:
        self.camera.unplug()

    @rule(number=st.sampled_from([0, 2, 4]))
    def plug(self, number: int) -> None:
        self.camera.plug(number)

    @rule()
    def stall(self) -> None:
        self.camera.stall()

    @rule()
    def resume(self) -> None:
        self.camera.resume()

    @rule(frames=st.integers(1, 60))
    def truncate(self, frames: int) -> None:
        self.camera.truncate(frames)

    @rule(frames=st.integers(1, 60))
    def corrupt(self, frames: int) -> None:
        self.camera.corrupt(frames)

    @rule(fault=st.sampled_from(["freeze", "busy", "no_bandwidth", "forbidden", "ignore_writes"]), on=st.booleans())
    def misbehave(self, fault: str, on: bool) -> None:
        getattr(self.camera, fault)(on)

    # -- the people

    @rule(number=st.integers(0, len(FORMATS) - 1))
    def set_format(self, number: int) -> None:
        assert self.appliance.ask("PATCH", "/api/format", FORMATS[number]).status in (200, 400, 409, 503)

    @rule(on=st.booleans())
    def set_privacy(self, on: bool) -> None:
        assert self.appliance.ask("PUT", "/api/privacy", {"on": on}).status == 200
        assert (self.appliance.state()["camera"]["state"] == "privacy") == on

    @rule(value=st.integers(-64, 64))
    def set_control(self, value: int) -> None:
        assert self.appliance.ask("PATCH", "/api/controls", {"brightness": value}).status in (200, 409, 503)

    @rule(path=st.sampled_from(["/snapshot.jpg", "/snapshot.jpg?upright=1", "/metrics", "/api/format"]))
    def look(self, path: str) -> None:
        assert self.appliance.ask("GET", path).status in (200, 409, 503)

    @precondition(lambda self: len(self.viewers) < 4)
    @rule()
    def viewer_comes(self) -> None:
        self.viewers.append(Spectator(self.appliance).__enter__())

    @precondition(lambda self: len(self.viewers) > 1)
    @rule()
    def viewer_leaves(self) -> None:
        self.viewers.pop().__exit__(None, None, None)

    @rule(seconds=st.floats(0.1, LONGEST_PAUSE))
    def time_passes(self, seconds: float) -> None:
        """Let the appliance notice: the viewers see something meanwhile, or nothing."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.appliance.state()["camera"]["state"] in STATES

    # -- what holds all the time, and at the end

    @invariant()
    def it_lives_and_answers(self) -> None:
        assert self.appliance.process.poll() is None, self.appliance.log
        state = self.appliance.state()["camera"]
        assert state["state"] in STATES
        assert (state["reason"] is None) == (state["state"] in ("starting", "online"))
        assert "Traceback" not in self.appliance.log

    @invariant()
    def viewers_stay(self) -> None:
        assert [viewer.ended for viewer in self.viewers] == [None] * len(self.viewers)

    def teardown(self) -> None:
        """End all faults: everybody sees the camera again."""
        try:
            heal(self.camera)
            assert self.appliance.ask("PUT", "/api/privacy", {"on": False}).status == 200
            self.appliance.until_live()
            now = time.time()
            for viewer in self.viewers:
                viewer.live(now)
            self.appliance.until_live()
            assert self.appliance.ask("GET", "/snapshot.jpg").status == 200
        finally:
            for viewer in self.viewers:
                viewer.__exit__(None, None, None)


@pytest.fixture
def battered(tmp_path: Path, simcam: SimulatedCamera) -> Iterator[RunningAppliance]:
    """An appliance that is quick to notice."""
    quick = {"camera.stall_timeout": 1, "camera.frozen_after": 1}
    with RunningAppliance(tmp_path, "auto", simcam.environment, quick) as appliance:
        yield appliance.until_live()


def test_it_survives_any_faults_in_any_order(battered: RunningAppliance, simcam: SimulatedCamera) -> None:
    class Walk(Faults):
        def __init__(self) -> None:
            super().__init__(simcam, battered)

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
