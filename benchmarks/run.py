"""The sequence of all measurements: the programs run alternately on one camera, and each step is reported."""

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import client, measure
from benchmarks.figures import plain
from benchmarks.plan import Plan
from benchmarks.results import Results
from benchmarks.servers import BenchmarkError, Program, Running, appliance, motion, ustreamers
from tests.mqtt.broker import MOSQUITTO, Broker
from tests.simcam import SimulatedCamera

_MOTIONS_MOST = 100  # viewers: it encodes for each of them


class Benchmark:
    """Runs the plan in a separate folder. A failed measurement is recorded, and the others continue."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        """Find the programs. Raises BenchmarkError if there is nothing to compare with."""
        self._plan = plan
        self._directory = directory
        self._began_at = time.monotonic()
        self._runs = 0
        self.appliance = appliance()
        peers = ustreamers()
        if not peers:
            raise BenchmarkError("there is no ustreamer to compare with: apt install ustreamer")
        self.peer = peers[0]
        self.others = peers[1:] if plan.has_all_peers else []
        self.results = Results(self.appliance.name, self.peer.name)
        self.motion = motion() if plan.has_all_peers else None
        if plan.has_all_peers and self.motion is None:
            self._note("motion is missing: apt install motion")

    @property
    def pair(self) -> tuple[Program, Program]:
        """The two programs that are compared in all measurements."""
        return self.appliance, self.peer

    def run(self) -> Results:
        """Run all measurements; return the results."""
        client.build()
        with ExitStack() as used:
            self._camera = used.enter_context(SimulatedCamera(self._directory / "camera"))
            for round_number in range(self._plan.rounds):
                for program in (*self.pair, *self.others):
                    self._loads(program, self._plan.viewers, round_number)
            if self.motion:
                self._loads(self.motion, tuple(n for n in self._plan.viewers if n <= _MOTIONS_MOST), 0)
            self._encrypted()
            for program in self.pair:
                self._others(program)
            self._starts()
            self._raw()
            self._visits()
        self.say(f"done after {(time.monotonic() - self._began_at) / 60:.1f} minutes")
        return self.results

    def say(self, words: str) -> None:
        """Write a line of progress."""
        elapsed = int(time.monotonic() - self._began_at)
        print(f"{elapsed // 60:3}:{elapsed % 60:02}  {words}", flush=True)

    def _loads(self, program: Program, counts: tuple[int, ...], round_number: int) -> None:
        def look(running: Running) -> None:
            running.until_frame()
            time.sleep(self._plan.warm_up)
            for viewers in counts:
                load = measure.load(running, self._plan, viewers)
                self.results.loads.setdefault(program.name, {}).setdefault(viewers, []).append(load)
                age = f", {plain(load.age_p50)} and {plain(load.age_p99)} ms old (p50, p99)" if load.age_p99 else ""
                self.say(
                    f"round {round_number + 1}, {program.name}, {viewers} viewers: {load.fps:.1f} fps "
                    f"(least {load.fps_least:.1f}), {load.cpu:.0f} ms for 1000 frames, {load.memory:.0f} MB{age}"
                )

        self._on(program, look)

    def _encrypted(self) -> None:
        def look(running: Running) -> None:
            running.until_frame(is_encrypted=True)
            time.sleep(self._plan.warm_up)
            for viewers in self._plan.tls_viewers:
                load = self.results.encrypted[viewers] = measure.load(running, self._plan, viewers, is_encrypted=True)
                self.say(f"TLS, {viewers} viewers: {load.fps:.1f} fps, {load.cpu:.0f} ms for 1000 frames")

        self._on(self.appliance, look, options={"http.tls_self_signed": True})

    def _others(self, program: Program) -> None:
        """Measure stalled viewers, a slow one, and requests: each on a fresh process."""

        def stalled(running: Running) -> None:
            running.until_frame()
            found = self.results.stalled[program.name] = measure.stalled(running, self._plan)
            self.say(f"{program.name}, stalled viewers: the good ones lost {found.good.lost} frames at most")

        def slow(running: Running) -> None:
            running.until_frame()
            found = self.results.slow[program.name] = measure.slow(running, self._plan)
            words = f"{plain(found.age_p50)} and {plain(found.age_p95)} ms old (p50, p95)"
            self.say(f"{program.name}, 2 Mbit/s: {words}")

        def asked(running: Running) -> None:
            running.until_frame()
            time.sleep(1.0)  # the exposure of the camera settles
            for viewers in (0, 100):
                latency = measure.snapshots(running, self._plan, viewers)
                self.results.snapshots.setdefault(program.name, {})[viewers] = latency
                words = f"{latency.p50:.0f} and {latency.p95:.0f} ms (p50, p95)"
                self.say(f"{program.name}, snapshots beside {viewers} viewers: {words}")
            self.results.requests[program.name] = measure.requests(running, self._plan)
            self.say(f"{program.name}: {self.results.requests[program.name]:.0f} requests a second for the state")

        for look in (stalled, slow, asked):
            self._on(program, look)

    def _starts(self) -> None:
        for _ in range(self._plan.starts):
            for program in self.pair:

                def look(running: Running, program: Program = program) -> None:
                    start = measure.start(running)
                    self.results.starts.setdefault(program.name, []).append(start)
                    words = f"listens after {start.listening:.2f} s, first frame after {start.first_frame:.2f} s"
                    self.say(f"{program.name}: {words}")

                self._on(program, look)

    def _raw(self) -> None:
        with SimulatedCamera(self._directory / "fast-camera", fast_yuyv=True) as camera:
            for program in self.pair:

                def look(running: Running, program: Program = program) -> None:
                    running.until_frame(is_raw=True)
                    time.sleep(self._plan.warm_up)
                    found = self.results.raw[program.name] = measure.raw(running, self._plan)
                    self.say(f"{program.name}, YUYV: {found.cpu:.1f} ms a frame, {found.size / 1000:.0f} kB")

                self._on(program, look, camera=camera, is_raw=True)

    def _visits(self) -> None:
        """Measure an idle process, and viewers that connect and disconnect; with all features of the appliance."""
        with ExitStack() as used:
            options: dict[str, object] = {}
            if Path(MOSQUITTO).exists():
                broker = used.enter_context(Broker(self._directory / "broker"))
                options = broker.settings
            else:
                self._note("mosquitto is missing, so the appliance's memory was measured without MQTT")
            for program in self.pair:
                is_ours = program is self.appliance

                def look(running: Running, program: Program = program, is_ours: bool = is_ours) -> None:
                    running.until_frame()
                    idle = self.results.idle[program.name] = measure.idle(running, self._plan)
                    self.say(f"{program.name}, idle: {idle.cpu * 100:.1f} % of a core, {idle.memory:.0f} MB")
                    if is_ours:
                        visits = self.results.visits[program.name] = measure.visits(running, self._plan, self.say)
                        self.say(f"{program.name}: {visits.growth:+.1f} MB after {visits.visits} visits")

                self._on(program, look, options=options if is_ours else {})

    def _on(
        self,
        program: Program,
        look: Callable[[Running], None],
        *,
        camera: SimulatedCamera | None = None,
        is_raw: bool = False,
        options: dict[str, object] | None = None,
    ) -> None:
        """Start, measure and stop the program. Failures are recorded, not raised."""
        self._runs += 1
        directory = self._directory / f"run-{self._runs}"
        try:
            with Running(program, camera or self._camera, directory, is_raw=is_raw, options=options) as running:
                look(running)
        except BenchmarkError as error:
            self._note(str(error))
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _note(self, problem: str) -> None:
        self.results.problems.append(problem)
        self.say(f"NOT MEASURED: {problem}")
