"""The process of the simulated camera: its sockets, its clock, and the commands that tests give it.

One thread and one epoll. A node such as $SIMCAM_DIRECTORY/dev/video0 is a listening socket. simcam.c connects to it
for each open file (the file IS that connection: a byte for each filled buffer, a hang-up on unplug) and once more for
the ioctls of the process. Tests send JSON lines to the socket `control`.
"""

from __future__ import annotations

import array
import errno
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.simcam.camera import Camera
from tests.simcam.controls import Refused
from tests.simcam.model import Faults, Handle, usual_modes
from tests.simcam.v4l2 import Ioctl

HELLO = struct.Struct("<QIII4x")  # key, kind, flags, pid: as in simcam.c
OPEN_NODE, CALLS = 1, 2
QUESTION = struct.Struct("<QII")  # key, request, length
ANSWER = struct.Struct("<iHH")  # errno, tokens to take from the stream, whether it streams; the data follow
LONGEST_DIRECTORY = 80  # an address of a unix socket has 108 bytes


@dataclass(frozen=True)
class Options:
    """How a camera is started. `number` is that of its first node; its metadata node has the next one.

    `without` are names of usual controls that it does not have.
    """

    number: int = 0
    serial: str = "SC0001"
    port: int = 1
    fast_yuyv: bool = False
    without: tuple[str, ...] = ()
    planes: bool = False


class Server:
    """Shows one camera under `directory`/dev until it is stopped. Several servers may share a directory."""

    def __init__(self, directory: Path, options: Options) -> None:
        if len(os.fsencode(directory)) > LONGEST_DIRECTORY:
            raise ValueError(f"the path {directory} is too long for unix sockets")
        self.directory, self.options, self.number = directory, options, options.number
        bus = f"usb-0000:01:00.0-1.{options.port}"
        self.camera = Camera(usual_modes(options.fast_yuyv, options.planes), options.serial, bus, options.without)
        self.waiting = select.epoll()
        self.callbacks: dict[int, Callable[[], None]] = {}
        self.nodes: dict[str, socket.socket] = {}
        self.lines: set[socket.socket] = set()
        self.links: list[Path] = []
        self.described: list[Path] = []
        self.commands_path = directory / f"control{options.number}"
        self.commands = Commands(self)

    def run(self, ready: Callable[[], None]) -> NoReturn:
        """Serve until a signal or the end of stdin raises SystemExit; `ready` is called when the nodes are there."""
        device_folder = self.directory / "dev"
        device_folder.mkdir(parents=True, exist_ok=True)
        for name in os.listdir("/dev"):  # a program that lists /dev sees the rest of it as well
            if not name.startswith(("video", "v4l")):
                with suppress(FileExistsError):
                    (device_folder / name).symlink_to(f"/dev/{name}")
        try:
            self._listen(self.commands_path, self._accept_commands)
            self.plug(self.number)
            ready()
            while True:
                self._wait()
        finally:
            self.unplug()
            self.commands_path.unlink(missing_ok=True)

    def _wait(self) -> None:
        moments = [m for m in (self.camera.due, self.camera.reset_due) if m is not None]
        timeout = max(0.0, min(moments) - time.monotonic()) if moments else None
        for descriptor, _ in self.waiting.poll(timeout):
            if descriptor in self.callbacks:  # an earlier event of this round may have closed it
                self.callbacks[descriptor]()
        self.camera.tick(time.monotonic())

    def watch(self, file: IO[str] | socket.socket, callback: Callable[[], None], events: int = select.EPOLLIN) -> None:
        """Call back when there is something to read, or for the given events of epoll."""
        self.waiting.register(file, events)
        self.callbacks[file.fileno()] = callback

    def _listen(self, path: Path, accept: Callable[[socket.socket], None]) -> socket.socket:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(64)
        self.watch(listener, partial(self._accept, listener, accept))
        return listener

    def _accept(self, listener: socket.socket, then: Callable[[socket.socket], None]) -> None:
        with suppress(OSError):
            then(listener.accept()[0])

    def _drop(self, sock: socket.socket) -> None:
        if self.callbacks.pop(sock.fileno(), None):
            self.waiting.unregister(sock)
        self.lines.discard(sock)
        sock.close()

    # -- nodes ----------------------------------------------------------------------------------------------------

    def plug(self, number: int) -> None:
        """The camera appears as /dev/video<number>, with its metadata node and the links that udev makes."""
        if self.nodes:
            if number == self.number:
                return
            self.unplug()
        self.number = number
        self.camera.power_on()
        for index, kind in enumerate(("capture", "metadata")):
            path = self.directory / "dev" / f"video{number + index}"
            self.nodes[path.name] = self._listen(path, partial(self._accept_hello, kind))
            os.utime(path, (0, number + index))  # simcam.c shows this time as the minor number
            self._describe(path.name, number + index, index)
            serial = f"_{self.options.serial}" if self.options.serial else ""
            names = {
                "by-id": f"usb-Simulated_UVC_Camera{serial}-video-index{index}",
                "by-path": f"platform-xhci-hcd.0-usb-0:{self.options.port}:1.0-video-index{index}",
            }
            for folder, name in names.items():
                link = self.directory / "dev" / "v4l" / folder / name
                link.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError):  # two cameras without serial number share a name: the first has it
                    link.symlink_to(f"../../{path.name}")
                    self.links.append(link)
        self.set_permissions()

    def _describe(self, name: str, minor: int, index: int) -> None:
        """Write what sysfs tells of a node: v4l2-ctl finds out there what kind of device it has."""
        texts = {
            "uevent": f"MAJOR=81\nMINOR={minor}\nDEVNAME={name}\n",
            "name": "Simulated UVC Camera\n",
            "index": f"{index}\n",
            "dev": f"81:{minor}\n",
        }
        for folder in (f"sys/class/video4linux/{name}", f"sys/dev/char/81:{minor}"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
            self.described.append(self.directory / folder)
            for file, text in texts.items():
                (self.directory / folder / file).write_text(text)

    def unplug(self) -> None:
        """The camera vanishes: nodes, links, every open file."""
        for link in self.links:
            link.unlink(missing_ok=True)
        self.links.clear()
        for described in self.described:
            shutil.rmtree(described, ignore_errors=True)
        self.described.clear()
        for folder in ("v4l/by-id", "v4l/by-path", "v4l"):
            with suppress(OSError):
                (self.directory / "dev" / folder).rmdir()
        for name, listener in self.nodes.items():
            (self.directory / "dev" / name).unlink(missing_ok=True)
            self._drop(listener)
        self.nodes.clear()
        for handle in list(self.camera.handles.values()):
            self._close(handle)
        for line in list(self.lines):
            self._drop(line)

    def set_permissions(self) -> None:
        """Mode 0 stands for "nobody may open this", which simcam.c enforces for root too."""
        for name in self.nodes:
            os.chmod(self.directory / "dev" / name, 0 if self.camera.faults.forbidden else 0o660)

    # -- open files and calls ---------------------------------------------------------------------------------------

    def _accept_hello(self, node: str, sock: socket.socket) -> None:
        sock.settimeout(1)
        key, kind, _, pid = HELLO.unpack(sock.recv(HELLO.size, socket.MSG_WAITALL))
        if kind == OPEN_NODE:
            sock.setblocking(False)
            handle = Handle(key, node, sock, pid)
            self.camera.handles[key] = handle
            # Not for reading: the client stuffs this direction, so that its descriptor never shows as writable.
            self.watch(sock, partial(self._close, handle), select.EPOLLRDHUP)
        else:
            self.lines.add(sock)
            self.watch(sock, partial(self._answer, sock))
        sock.send(bytes(4))  # no error

    def _close(self, handle: Handle) -> None:
        self.camera.close(handle)
        self._drop(handle.sock)

    def reap(self) -> None:
        """Notice files that were closed before this moment: close() is not a call, so nothing else orders the two."""
        for handle in list(self.camera.handles.values()):
            state = select.poll()
            state.register(handle.sock, select.POLLRDHUP)
            if state.poll(0):
                self._close(handle)

    def _answer(self, line: socket.socket) -> None:
        try:
            message = bytearray(line.recv(65536))
            while len(message) < QUESTION.size or len(message) < QUESTION.size + QUESTION.unpack_from(message)[2]:
                more = line.recv(65536)
                if not more:
                    raise ConnectionError
                message += more
            key, request, _ = QUESTION.unpack_from(message)
            data = message[QUESTION.size :]
            error, tokens, descriptors = self._call(key, request, data)
            answer = ANSWER.pack(error, tokens, self.camera.streams(key)) + data
            if descriptors:
                extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
                line.sendmsg([answer], extra)
            else:
                line.sendall(answer)
        except OSError:
            self._drop(line)

    def _call(self, key: int, request: int, data: bytearray) -> tuple[int, int, list[int]]:
        handle = self.camera.handles.get(key)
        if handle is None:  # open from before an unplug
            return errno.ENODEV, 0, []
        if request in (Ioctl.S_FMT, Ioctl.REQBUFS, Ioctl.S_PARM):
            self.reap()
        try:
            if request == Ioctl.MAP_BUFFERS:
                return 0, 0, [self.camera.mappable(*struct.unpack_from("<QQ", data))]
            tokens = self.camera.call(handle, request, data)
            return 0, tokens, self.camera.ring(key) if request == Ioctl.STREAMON else []
        except Refused as refused:
            return refused.number, 0, []

    # -- commands ---------------------------------------------------------------------------------------------------

    def _accept_commands(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        self.watch(sock, partial(self._command, sock, sock.makefile("rwb")))

    def _command(self, sock: socket.socket, file: Any) -> None:
        try:
            line = file.readline()
            if not line:
                raise ConnectionError
            answer = self.commands.obey(json.loads(line))
            file.write(json.dumps(answer).encode() + b"\n")
            file.flush()
        except OSError:
            file.close()
            self._drop(sock)


class Commands:
    """What a test may ask of the camera. Each public method is a command; arguments and results are JSON values."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def obey(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Carry out {"do": name, ...arguments}; answers {"result": ...} or {"error": text}."""
        name = wish.pop("do", "")
        method = None if name.startswith("_") or name == "obey" else getattr(self, name, None)
        if method is None:
            return {"error": f"no such command: {name}"}
        try:
            return {"result": method(**wish)}
        except (TypeError, ValueError, KeyError, OSError) as error:
            return {"error": f"{name}: {error!r}"}

    def unplug(self) -> None:
        """Pull the cable."""
        self._server.unplug()

    def plug(self, number: int | None = None) -> None:
        """Put it in again, as another number if one is given; the camera has forgotten its controls."""
        self._server.plug(self._server.number if number is None else number)

    def fault(self, **faults: Any) -> None:
        """Set fields of `Faults`."""
        known = asdict(self._server.camera.faults)
        if unknown := set(faults) - set(known):
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self._server.camera.faults = Faults(**known | faults)
        self._server.set_permissions()

    def controls(self) -> dict[str, int]:
        """The values as the device has them."""
        return self._server.camera.controls.values

    def set_control(self, name: str, value: int) -> None:
        """Set a value as the device's own doing; also read-only and inactive ones, and out of range."""
        camera = self._server.camera
        camera.put(camera.controls.by_name[name], value, None)

    def statistics(self) -> dict[str, Any]:
        """Counters and state: see `Statistics`."""
        self._server.reap()
        camera = self._server.camera
        return {
            "plugged": bool(self._server.nodes),
            "streaming": camera.stream is not None and camera.stream.on,
            "frames": camera.made,
            "dropped": camera.dropped,
            "starts": camera.starts,
            "handles": len(camera.handles),
            "pixel_format": camera.mode.pixel_format,
            "width": camera.mode.width,
            "height": camera.mode.height,
            "rate": camera.rate,
            "buffers": len(camera.stream.ring.buffers) if camera.stream is not None else 0,
            "writes": camera.writes,
            "cpu_seconds": time.process_time(),
        }


def serve(directory: Path, options: Options, follow_stdin: bool = False) -> NoReturn:
    """Run a camera in this process until SIGTERM or SIGINT, or the end of stdin if that is followed."""
    server = Server(directory, options)
    # A handler that raised would do so anywhere, also where Python swallows it, as in a finalizer.
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.watch(woken, lambda: sys.exit(0))
    if follow_stdin:  # so that no camera outlives its test, however that ends
        server.watch(sys.stdin, lambda: sys.exit(0))
    server.run(lambda: print("ready", flush=True))
