"""The camera thread as other threads meet it."""

import threading
from pathlib import Path

from appliance.capture.saved_state import SavedState
from appliance.capture.thread import Capture
from appliance.frames import Format, FrameSlot
from appliance.settings import CameraSettings
from tests.running import eventually


def test_switching_privacy_does_not_wait_for_a_change_undone_by_another(tmp_path: Path) -> None:
    """The camera thread is not running, as one that a driver holds."""
    memory = SavedState(tmp_path, "camera", Format(1280, 720, 30.0, "auto"))
    capture = Capture(CameraSettings(source="test-pattern"), memory, FrameSlot())
    one = threading.Thread(target=capture.set_privacy, args=(True, 60))
    one.start()
    eventually(lambda: capture.privacy, "the wish of one")
    capture.set_privacy(False)
    one.join(10)
    assert not one.is_alive()
    assert not capture.privacy
    assert not SavedState(tmp_path, "camera", Format(1280, 720, 30.0, "auto")).privacy
