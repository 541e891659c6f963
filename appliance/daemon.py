"""The composition root: build every part, start them in order, watch over them, stop them in reverse."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from appliance import __version__, systemd
from appliance import log as logs
from appliance.allocator import return_memory, settle, spare_memory
from appliance.camera import STALL_TIMEOUT
from appliance.capture import Capture
from appliance.commands import Commands
from appliance.errors import ConfigurationError
from appliance.frames import Format, FrameSlot
from appliance.http import sharing, tls
from appliance.http.access import Access
from appliance.http.app import Routes, event
from appliance.http.broadcaster import Broadcaster
from appliance.http.gate import Gate
from appliance.http.guard import Guard, machine_names
from appliance.http.server import Server
from appliance.log import logger
from appliance.memory import Memory
from appliance.mqtt.bridge import Bridge
from appliance.pictures import Pictures
from appliance.service import Appliance
from appliance.settings import Settings, values

log = logger(__name__)

_TICK = 1.0  # s
_TIDY = 60.0  # s between two times that free memory is given back
_PATIENCE = 2 / 3  # of the watchdog's interval; a URL that does not answer holds the camera thread for up to 10 s
_BEYOND_STALL = 3.0  # s that the camera thread gets to notice a stall, beyond the setting


class Daemon:
    """All parts of one running appliance."""

    def __init__(self, settings: Settings, reread: Callable[[], Settings]) -> None:
        """Build all parts; `reread` reads the settings again, and raises ConfigurationError as at the start."""
        spare_memory()
        camera, http = settings.camera, settings.http
        self._http = http
        configured = Format(camera.width, camera.height, camera.fps, camera.pixel_format)
        self.slot = FrameSlot()
        self.memory = Memory(Path(settings.storage.directory), camera.name, configured)
        self.pictures = Pictures(Path(settings.pictures.directory))
        os.environ[STALL_TIMEOUT] = str(camera.stall_timeout)  # read by OpenCV when it is imported, which is later
        self._stall_timeout = camera.stall_timeout
        self.capture = Capture(camera, self.memory, self.slot)
        self.appliance = Appliance(settings, self.capture, self.slot, self.pictures)
        self.commands = Commands(self.appliance)
        self.broadcaster = Broadcaster(self.slot, http.max_viewers, http.max_viewers_per_address, http.viewer_timeout)
        gate = Gate(Access(http), camera.name, web_root() / "login.html")
        self.routes = Routes(
            self.appliance, self.commands, self.broadcaster, self._metrics, web_root(), gate, camera.jpeg_quality
        )
        self.tls = tls.configured(http, Path(settings.storage.directory))
        self.server = Server(Guard(self.routes.application, http, machine_names()), http.host, http.port, self.tls)
        self.bridge = self._bridge(settings) if settings.mqtt.host else None
        self._connect()
        self._values = values(settings)
        self._reread = reread
        self._stopping, self._reloading = threading.Event(), threading.Event()
        self._failed = False

    @property
    def is_held(self) -> bool:
        """Whether a thread did not end with `run`."""
        return self.capture.is_alive

    def run(self) -> int:
        """Run until a signal says stop; return the exit status. Raises ConfigurationError if it cannot listen."""
        with ExitStack() as started:
            self._handle_signals(started)
            self._watch_threads(started)
            self.pictures.prepare()
            self.broadcaster.start()
            started.callback(self.broadcaster.stop)
            self.server.start()
            started.callback(self.server.stop)
            started.callback(self.slot.close)  # releases the workers that wait for a frame
            started.callback(self.memory.flush)
            self.capture.start()
            started.callback(self.capture.stop)
            if self.bridge:
                self.bridge.start()
                started.callback(self.bridge.stop)
            page = self.server.url
            log.info("camera-appliance %s: the page is at %s", __version__, page, extra={"EVENT": "started"})
            if warning := sharing.warning(self._http):
                log.warning("%s", warning)
            systemd.notify("READY=1", "STATUS=starting the camera")
            self._supervise()
            systemd.notify("STOPPING=1")
            log.info("stopping", extra={"EVENT": "stopping"})
        return 1 if self._failed else 0

    def _connect(self) -> None:
        """Tell the appliance what its adapters know, and the listeners to events what happens."""
        watched = self.appliance.watched
        watched.viewers = lambda: self.broadcaster.viewers
        watched.dropped = lambda: self.broadcaster.feed.frames_dropped
        if self.bridge:
            watched.mqtt = self.bridge.status
        self.appliance.listen(lambda name, data: self.broadcaster.send_event(event(name, data)))

    def _bridge(self, settings: Settings) -> Bridge:
        def page(address: str | None) -> str:
            return settings.http.public_url or self.server.page(address)

        memory = Path(settings.storage.directory)
        return Bridge(settings.mqtt, settings.camera.name, self.appliance, self.commands, memory, page)

    def _metrics(self) -> tuple[bytes, str]:
        from appliance.metrics import Metrics  # 0.8 MB and 5 % of the start, which only Prometheus needs

        return Metrics(self.appliance.get_state, self._counters, lambda: self.capture.entered)()

    def _counters(self) -> dict[str, tuple[int, str]]:
        return {
            "frames_sent": (self.broadcaster.feed.frames_sent, "Frames that were sent to viewers."),
            "bytes_sent": (self.broadcaster.feed.bytes_sent, "Bytes that were sent to viewers and listeners."),
        }

    def _supervise(self) -> None:
        """Once a second: tell how things are, write what is new, and feed the watchdog if all is well."""
        interval = systemd.watchdog_interval()
        feed_at, tidy_at = 0.0, time.monotonic() + _TIDY
        self._stopping.wait(_TICK)
        settle()
        while not self._stopping.wait(_TICK):
            self.appliance.tick()
            self.memory.flush()
            if self.tls:
                self.tls.refresh()
            logs.sum_up()
            if self._reloading.is_set():
                self._reload()
            systemd.notify(f"STATUS={self._status_line()}")
            if time.monotonic() >= tidy_at:
                return_memory()
                tidy_at = time.monotonic() + _TIDY
            if interval and time.monotonic() >= feed_at:
                if trouble := self._trouble(interval * _PATIENCE):
                    log.error("the watchdog is not fed: %s", trouble, extra={"EVENT": "hanging"})
                else:
                    systemd.notify("WATCHDOG=1")
                    feed_at = time.monotonic() + interval / 3

    def _reload(self) -> None:
        """Read the settings again, apply what can be applied while running, and say what needs a restart."""
        self._reloading.clear()
        try:
            new = values(self._reread())
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("the settings stay as they were: %s", problem, extra={"EVENT": "reload-refused"})
            return
        changed = [name for name, value in new.items() if value != self._values[name]]
        for name in changed:
            if apply := self._live.get(name):
                apply(new[name])
                self._values[name] = new[name]
                log.info("%s is now %s", name, new[name], extra={"EVENT": "reloaded"})
            else:
                log.warning("%s has changed: it needs a restart", name, extra={"EVENT": "reloaded"})
        if not changed:
            log.info("the settings have not changed", extra={"EVENT": "reloaded"})

    @property
    def _live(self) -> dict[str, Callable[[Any], None]]:
        """What can be changed while running, and how."""

        def max_viewers(number: int) -> None:
            self.broadcaster.max_viewers = self.appliance.max_viewers = number

        return {
            "http.max_viewers": max_viewers,
            "http.viewer_timeout": lambda seconds: setattr(self.broadcaster, "viewer_timeout", seconds),
            "log.level": logs.set_level,
        }

    def _trouble(self, patience: float) -> str | None:
        """Return which part showed no life for `patience` s, if any."""
        now = time.monotonic()
        if now - self.capture.alive_at > max(patience, self._stall_timeout + _BEYOND_STALL):
            return "the camera thread hangs"
        if now - self.broadcaster.alive_at > patience:
            return "the broadcaster hangs"
        if self.bridge and not self.bridge.is_alive:
            return "a thread of MQTT has ended"
        if not self.server.answers():
            return "HTTP does not answer"
        return None

    def _status_line(self) -> str:
        status, fps = self.capture.status, self.capture.fps
        if status.granted is None:
            return status.reason or "opening the camera"
        rate = "" if fps is None else f"@{fps:.0f}"
        return f"{status.granted.width}x{status.granted.height}{rate} {self.broadcaster.viewers} viewers"

    def _handle_signals(self, started: ExitStack) -> None:
        """Stop at the first SIGTERM or SIGINT; a second one ends the process as usual. SIGHUP reads the settings."""

        def stop(number: int, _frame: FrameType | None) -> None:
            signal.signal(number, signal.SIG_DFL)
            self._stopping.set()

        def reload(_number: int, _frame: FrameType | None) -> None:
            self._reloading.set()

        handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGTERM: stop, signal.SIGINT: stop}
        if not os.isatty(0):  # there it means that the terminal is gone, and so should we be
            handlers[signal.SIGHUP] = reload
        for number, handler in handlers.items():
            started.callback(signal.signal, number, signal.signal(number, handler))

    def _watch_threads(self, started: ExitStack) -> None:
        """End the process when one of its threads dies of a defect: systemd starts a whole one."""

        def die(failure: Any) -> None:
            name = failure.thread.name if failure.thread else "a thread"
            log.critical("%s died", name, exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback))
            self._failed = True
            self._stopping.set()

        former, threading.excepthook = threading.excepthook, die
        started.callback(setattr, threading, "excepthook", former)


def web_root() -> Path:
    """Return the folder of the page: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "web"
    return installed if installed.is_dir() else package.parent / "web"
