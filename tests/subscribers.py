"""The camera thread with subscribers, as a program: `python -m tests.subscribers FOLDER PIXEL_FORMAT IDLE`.

It is a process of its own because the simulated camera is preloaded. Each line of standard input is a command: `demand`
and `release` begin and end the need for frames. Each is answered, as is an empty line, by a report in JSON.
"""

import json
import os
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from appliance.camera import STALL_TIMEOUT
from appliance.capture.saved_state import SavedState
from appliance.capture.thread import Capture
from appliance.frames import Format, Frame, FrameSlot
from appliance.settings import CameraSettings


class Subscribers:
    """Two listeners that keep the numbers of their frames, one between them that fails, and a follower."""

    def __init__(self, slot: FrameSlot) -> None:
        self.first: list[int] = []
        self.second: list[int] = []
        self.followed: list[int] = []
        self.failures = 0
        self._follower = slot.follow(max_fps=1000, demand=False)
        slot.subscribe(lambda frame: self.first.append(frame.sequence), demand=False)
        slot.subscribe(self._fail, demand=False)
        slot.subscribe(lambda frame: self.second.append(frame.sequence), demand=False)
        threading.Thread(target=self._follow, daemon=True).start()

    def report(self) -> dict[str, Any]:
        """Return what each of them got."""
        first = list(self.first)
        return {
            "first": first,
            "second": self.second[: len(first)],
            "followed": list(self.followed),
            "failures": self.failures,
        }

    def _fail(self, _frame: Frame) -> None:
        self.failures += 1
        raise ValueError("a defect of a subscriber")

    def _follow(self) -> None:
        for frame in self._follower:
            self.followed.append(frame.sequence)


def main(folder: str, pixel_format: str, idle: str) -> None:
    """Run until standard input ends."""
    os.environ[STALL_TIMEOUT] = "2"  # read by OpenCV when it is imported
    requested = Format(320, 240, 30.0, pixel_format)
    slot = FrameSlot()
    capture = Capture(CameraSettings(source="auto", idle=idle), SavedState(Path(folder), "camera", requested), slot)
    subscribers, demand = Subscribers(slot), ExitStack()
    capture.start()
    for line in sys.stdin:
        if line.strip() == "demand":
            demand.enter_context(slot.demand())
        elif line.strip() == "release":
            demand.close()
        state = {"state": capture.status.state, "captured": capture.captured}
        print(json.dumps(state | subscribers.report()), flush=True)
    capture.stop()
    slot.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
