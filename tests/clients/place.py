"""An appliance on a simulated camera, and the documentation's words turned into that appliance's."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients import document
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera

PASSWORD = "let-me-see"
TOKEN = "token-for-viewers-only"
RATE = 15.0  # frames per second of the camera
_WIDTH, _HEIGHT = 640, 480
_URL = re.compile(re.escape(f"http://{document.ADDRESS}") + r"(/[\w./]*)?(\?[\w=&]*)?")


@dataclass(frozen=True)
class Place:
    """A camera and its appliance, which keeps its port over a restart."""

    camera: SimulatedCamera
    appliance: RunningAppliance

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.appliance.port}"

    def words(self, text: str) -> str:
        """Return a text of the documentation with this address, password and token."""
        text = re.sub(r"\bPASSWORD\b", PASSWORD, text)
        return re.sub(r"\bTOKEN\b", TOKEN, text).replace(document.ADDRESS, self.address)

    def block(self, name: str, way: str = "") -> str:
        """Return a block of the documentation for this appliance.

        `way` is "password" or "token": then it is put into each address, as the documentation says.
        """
        text = document.block(name)
        if way == "password":
            text = text.replace(f"http://{document.ADDRESS}", f"http://viewer:PASSWORD@{document.ADDRESS}")
        elif way == "token":
            text = _URL.sub(lambda url: f"{url[0]}{'&' if url[2] else '?'}token=TOKEN", text)
        return self.words(text)

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Take the camera away for the time of the block, and wait until it is back."""
        self.camera.unplug()
        try:
            self.until("lost")
            yield
        finally:
            self.camera.plug()
        self.until("online")

    def restart(self) -> None:
        """Stop the appliance, and start it again after a second, as an update does."""
        self.appliance.stop()
        time.sleep(1)  # clients have to see that nobody listens
        self.appliance.start()
        self.until("online")

    def until(self, state: str) -> None:
        """Wait for this state of the camera."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        eventually(
            lambda: self.appliance.ask("GET", "/api/state", headers=headers).json["camera"]["state"] == state,
            f"a camera that is {state}",
        )


@contextmanager
def place(directory: Path, closed: bool = False, environment: Mapping[str, str] | None = None) -> Iterator[Place]:
    """Run an appliance; a closed one wants a password or a token of everybody. `environment` is added to its own."""
    usual: dict[str, object] = {
        "camera.width": _WIDTH,
        "camera.height": _HEIGHT,
        "camera.fps": RATE,
        "http.max_viewers_per_address": 1000,
    }
    if closed:
        usual |= {"http.viewer_password": PASSWORD, "http.viewer_token": TOKEN, "http.password": f"{PASSWORD}-and-set"}
    with (
        SimulatedCamera(directory / "camera") as camera,
        RunningAppliance(directory, "auto", {**camera.environment, **(environment or {})}, usual) as appliance,
    ):
        found = Place(camera, appliance)
        found.until("online")
        yield found
