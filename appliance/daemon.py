"""The composition root: build all parts, start them in order, supervise them, and stop them in reverse order."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from appliance import __version__
from appliance.camera import STALL_TIMEOUT
from appliance.capture import facts as camera_facts
from appliance.capture.saved_state import SavedState
from appliance.capture.thread import Capture
from appliance.commands import Commands
from appliance.declared import EVENTS, FACTS, SETTINGS
from appliance.errors import ConfigurationError
from appliance.events import Event, Events
from appliance.facts import Facts
from appliance.features import FEATURES, Context, Feature
from appliance.frames import Format, FrameSlot
from appliance.http import facts as http_facts
from appliance.http import sharing, tls
from appliance.http.access import Access
from appliance.http.app import Routes, server_sent
from appliance.http.authorization import Authorization
from appliance.http.broadcaster import Broadcaster
from appliance.http.security_middleware import SecurityMiddleware, machine_names
from appliance.http.server import Server
from appliance.mqtt import facts as mqtt_facts
from appliance.mqtt.bridge import Bridge
from appliance.pictures.store import PictureStore
from appliance.service import Appliance, status
from appliance.service import camera as camera_service
from appliance.service import pictures as pictures_service
from appliance.settings import Settings
from appliance.system import log as logs
from appliance.system import systemd
from appliance.system.log import logger
from appliance.system.malloc import return_memory, settle, spare_memory

log = logger(__name__)

STARTED = Event("started", "The appliance has started and accepts connections.", bus=False)
STOPPING = Event("stopping", "The appliance is stopping.", bus=False)
HANGING = Event("hanging", "A part hangs, and the watchdog is not fed.", bus=False)
RELOADED = Event("reloaded", "The settings were reloaded.", bus=False)
RELOAD_REFUSED = Event("reload_refused", "The settings could not be reloaded, because they are invalid.", bus=False)

_TICK = 1.0  # s
_BROADCASTER_PAUSE = 2.0  # s: without events or frames the broadcaster shows life only once a second
_TRIM_INTERVAL = 60.0  # s between two returns of free memory to the system
_PATIENCE = 2 / 3  # of the watchdog's interval; a URL that does not answer blocks the camera thread for up to 10 s
_STALL_MARGIN = 3.0  # s beyond the setting that the camera thread may take to notice a stall


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the appliance, as the daemon runs it: started in order, supervised, and stopped in reverse order.

    `trouble` returns the problem of a part that has made no progress for that number of seconds, as a text; None if
    there is none.
    """

    start: Callable[[], object] = lambda: None
    stop: Callable[[], object] = lambda: None
    tick: Callable[[], object] = lambda: None
    trouble: Callable[[float], str | None] = lambda _patience: None


class Daemon:
    """All parts of one running appliance."""

    def __init__(self, settings: Settings, reread: Callable[[], Settings]) -> None:
        """Build all parts. `reread` reads the settings again and raises ConfigurationError if they are invalid."""
        spare_memory()
        camera, http, directory = settings.camera, settings.http, Path(settings.storage.directory)
        self._settings = settings
        self.slot, self.facts, self.events = FrameSlot(), Facts(), Events(EVENTS)
        configured = Format(camera.width, camera.height, camera.fps, camera.pixel_format)
        self.saved_state = SavedState(directory, camera.name, configured)
        self.pictures = PictureStore(Path(settings.pictures.directory))
        os.environ[STALL_TIMEOUT] = str(camera.stall_timeout)  # read by OpenCV when it is imported, later
        self.capture = Capture(camera, self.saved_state, self.slot)
        self.appliance = services(settings, self.capture, self.slot, self.pictures, self.facts, self.events)
        self.features = [
            feature(Context(settings.features.get(feature.name), self.slot, self.events.emit, directory))
            for feature in FEATURES
        ]
        self.broadcaster = Broadcaster(self.slot, http.max_viewers, http.max_viewers_per_address, http.viewer_timeout)
        commands = Commands(*self.appliance, *self.features)
        authorization = Authorization(Access(http), camera.name, web_root() / "login.html")
        self._add_facts()
        self.application = Routes(
            self.appliance,
            commands,
            self.broadcaster,
            FACTS,
            self._metrics,
            web_root(),
            authorization,
            camera.jpeg_quality,
        ).application
        self.tls = tls.configured(http, directory)
        self.server = Server(
            SecurityMiddleware(self.application, http, machine_names()), http.host, http.port, self.tls
        )
        self.bridge = self._bridge(commands, directory) if settings.mqtt.host else None
        self.facts.add(self.bridge, mqtt_facts.FACTS)
        self.events.listen(self._on_event)
        self._parts = self._all_parts()
        self._values = SETTINGS.values(settings)
        self._reread = reread
        self._stopping, self._reloading = threading.Event(), threading.Event()
        self._failed = False

    @property
    def is_held(self) -> bool:
        """Whether the camera thread did not end with `run`."""
        return self.capture.is_alive

    def run(self) -> int:
        """Run until a signal arrives; return the exit status. Raises ConfigurationError if it cannot listen."""
        with ExitStack() as started:
            self._handle_signals(started)
            self._handle_thread_failures(started)
            for part in self._parts:
                part.start()
                started.callback(part.stop)
            log.info("camera-appliance %s: the page is at %s", __version__, self.server.url, extra=STARTED.logged())
            if warning := sharing.warning(self._settings.http):
                log.warning("%s", warning)
            systemd.notify("READY=1", "STATUS=starting the camera")
            self._supervise()
            systemd.notify("STOPPING=1")
            log.info("stopping", extra=STOPPING.logged())
        return 1 if self._failed else 0

    def _all_parts(self) -> tuple[Part, ...]:
        """Return all parts in the order in which they start."""
        bridge = self.bridge
        return (
            Part(start=self.pictures.prepare, tick=self.appliance.pictures.tick),
            *(Part(each.start, each.stop, each.tick, partial(_feature_trouble, each)) for each in self.features),
            Part(self.broadcaster.start, self.broadcaster.stop, trouble=self._broadcaster_trouble),
            Part(self.server.start, self.server.stop, self._renew_certificate, self._http_trouble),
            Part(stop=self.slot.close),  # releases the workers that wait for a frame
            Part(tick=self.saved_state.flush, stop=self.saved_state.flush),
            Part(self.capture.start, self.capture.stop, trouble=self._camera_trouble),
            *([Part(bridge.start, bridge.stop, trouble=self._mqtt_trouble)] if bridge else []),
            Part(tick=self.appliance.status.emit),
            Part(tick=logs.sum_up),
        )

    def _add_facts(self) -> None:
        """Add the facts of all parts, in the order of the state; those of MQTT are added after it is built."""
        self.facts.add(self.appliance.status, status.FACTS)
        self.facts.add(self.capture, camera_facts.FACTS, camera_facts.COUNTERS)
        self.facts.add(self.broadcaster, http_facts.FACTS, http_facts.COUNTERS)
        self.facts.add(self.pictures, pictures_service.FACTS)
        for feature in self.features:
            self.facts.add(feature, feature.facts, feature.counters)

    def _on_event(self, event: Event, data: dict[str, Any]) -> None:
        """Send an event to browsers, and notify the features of privacy."""
        if event.stream:
            self.broadcaster.send_event(server_sent(event, data))
        if event in (camera_service.PRIVACY_ON, camera_service.PRIVACY_OFF):
            for feature in self.features:
                feature.on_privacy(event is camera_service.PRIVACY_ON)

    def _metrics(self) -> tuple[bytes, str]:
        from appliance.metrics import Metrics  # 0.8 MB and 5 % of the start-up time, needed only for Prometheus

        return Metrics(self.facts)()

    def _bridge(self, commands: Commands, directory: Path) -> Bridge:
        settings = self._settings

        def page(address: str | None) -> str:
            return settings.http.public_url or self.server.page(address)

        name = settings.camera.name
        return Bridge(settings.mqtt, name, self.appliance, commands, self.facts, self.events, directory, page)

    def _supervise(self) -> None:
        """Call every part once a second, and feed the watchdog while no part hangs."""
        interval = systemd.watchdog_interval()
        feed_at, trim_at = 0.0, time.monotonic() + _TRIM_INTERVAL
        self._stopping.wait(_TICK)
        settle()
        while not self._stopping.wait(_TICK):
            for part in self._parts:
                part.tick()
            if self._reloading.is_set():
                self._reload()
            systemd.notify(f"STATUS={self._status_line()}")
            if time.monotonic() >= trim_at:
                return_memory()
                trim_at = time.monotonic() + _TRIM_INTERVAL
            if interval and time.monotonic() >= feed_at:
                if trouble := self._trouble(interval * _PATIENCE):
                    log.error("the watchdog is not fed: %s", trouble, extra=HANGING.logged())
                else:
                    systemd.notify("WATCHDOG=1")
                    feed_at = time.monotonic() + interval / 3

    def _reload(self) -> None:
        """Read the settings again, apply those that can change at run time, and log those that need a restart."""
        self._reloading.clear()
        try:
            new = SETTINGS.values(self._reread())
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("the settings are unchanged: %s", problem, extra=RELOAD_REFUSED.logged())
            return
        changed = [name for name, value in new.items() if value != self._values[name]]
        for name in changed:
            if apply := self._live.get(name):
                apply(new[name])
                self._values[name] = new[name]
                log.info("%s is now %s", name, new[name], extra=RELOADED.logged())
            else:
                log.warning("%s has changed, which takes effect after a restart", name, extra=RELOADED.logged())
        if not changed:
            log.info("the settings have not changed", extra=RELOADED.logged())

    @property
    def _live(self) -> dict[str, Callable[[Any], None]]:
        """The settings that can be changed at run time, with the functions that apply them."""

        def max_viewers(number: int) -> None:
            self.broadcaster.max_viewers = number

        return {
            "http.max_viewers": max_viewers,
            "http.viewer_timeout": lambda seconds: setattr(self.broadcaster, "viewer_timeout", seconds),
            "log.level": logs.set_level,
        }

    def _trouble(self, patience: float) -> str | None:
        """Return the problem of the first part that has made no progress for `patience` s, if any."""
        return next((trouble for part in self._parts if (trouble := part.trouble(patience))), None)

    def _renew_certificate(self) -> None:
        if self.tls:
            self.tls.refresh()

    def _camera_trouble(self, patience: float) -> str | None:
        patience = max(patience, self._settings.camera.stall_timeout + _STALL_MARGIN)
        return "the camera thread hangs" if time.monotonic() - self.capture.alive_at > patience else None

    def _broadcaster_trouble(self, patience: float) -> str | None:
        patience = max(patience, _BROADCASTER_PAUSE)
        return "the broadcaster hangs" if time.monotonic() - self.broadcaster.alive_at > patience else None

    def _mqtt_trouble(self, _patience: float) -> str | None:
        return "a thread of MQTT has ended" if self.bridge and not self.bridge.is_alive else None

    def _http_trouble(self, _patience: float) -> str | None:
        return None if self.server.answers() else "HTTP does not answer"

    def _status_line(self) -> str:
        status, fps = self.capture.status, self.capture.fps
        if status.granted is None:
            return status.reason or "opening the camera"
        rate = "" if fps is None else f"@{fps:.0f}"
        return f"{status.granted.width}x{status.granted.height}{rate} {self.broadcaster.viewers} viewers"

    def _handle_signals(self, started: ExitStack) -> None:
        """Stop on the first SIGTERM or SIGINT; the second one kills the process. SIGHUP reloads the settings."""

        def stop(number: int, _frame: FrameType | None) -> None:
            signal.signal(number, signal.SIG_DFL)
            self._stopping.set()

        def reload(_number: int, _frame: FrameType | None) -> None:
            self._reloading.set()

        handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGTERM: stop, signal.SIGINT: stop}
        if not os.isatty(0):  # on a terminal, SIGHUP means that the terminal was closed
            handlers[signal.SIGHUP] = reload
        for number, handler in handlers.items():
            started.callback(signal.signal, number, signal.signal(number, handler))

    def _handle_thread_failures(self, started: ExitStack) -> None:
        """Stop the process if an exception ends one of its threads; systemd restarts it."""

        def die(failure: Any) -> None:
            name = failure.thread.name if failure.thread else "a thread"
            log.critical("%s died", name, exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback))
            self._failed = True
            self._stopping.set()

        former, threading.excepthook = threading.excepthook, die
        started.callback(setattr, threading, "excepthook", former)


def services(
    settings: Settings, capture: Capture, slot: FrameSlot, pictures: PictureStore, facts: Facts, events: Events
) -> Appliance:
    """Build the commands of the appliance."""
    state = status.StatusService(settings.camera.name, facts, events)
    camera = camera_service.CameraService(settings.camera, capture, slot, state, events)
    stored = pictures_service.PictureService(settings.pictures, pictures, camera.frame_after, events)
    return Appliance(state, camera, stored)


def _feature_trouble(feature: Feature, patience: float) -> str | None:
    alive_at = feature.alive_at
    return f"{feature.name} hangs" if alive_at is not None and time.monotonic() - alive_at > patience else None


def web_root() -> Path:
    """Return the folder of the page: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "web"
    return installed if installed.is_dir() else package.parent / "web"
