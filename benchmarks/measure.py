"""The measurements of a running program. Each takes seconds and returns plain data."""

import http.client
import selectors
import socket
import time
from collections.abc import Callable

import simplejpeg

from benchmarks import client
from benchmarks.client import Load
from benchmarks.figures import percentile
from benchmarks.plan import GOOD, SLOW_RATE, STALLED, Plan
from benchmarks.results import Idle, Latency, Raw, Stalled, Start, Visits
from benchmarks.servers import BenchmarkError, Running

_TOGETHER = 2  # visitors at a time
_LOOK = 0.05  # s


def load(running: Running, plan: Plan, viewers: int, is_encrypted: bool = False) -> Load:
    """Measure what a number of viewers receive, and their cost."""
    settle = plan.settle + viewers / 500  # they connect one after another
    return client.watch(running, viewers, plan.seconds, settle, is_encrypted=is_encrypted)


def stalled(running: Running, plan: Plan) -> Stalled:
    """Measure viewers that read, together with viewers that never read."""
    before = running.memory()
    return Stalled(client.watch(running, GOOD, plan.stalled_seconds, plan.settle, stalled=STALLED), before)


def slow(running: Running, plan: Plan) -> Load:
    """Measure one viewer at 2 Mbit/s, after the queues have had time to fill."""
    return client.watch(running, 1, plan.slow_seconds, plan.slow_settle, rate=SLOW_RATE)


def snapshots(running: Running, plan: Plan, viewers: int) -> Latency:
    """Measure how long a snapshot takes while a number of viewers are connected."""
    if not viewers:
        return _latency(running, plan)
    others = client.start(running, viewers, 60.0, plan.settle)
    try:
        client.until_counting(others, plan.settle)
        return _latency(running, plan)
    finally:
        client.end(others)


def requests(running: Running, plan: Plan) -> float:
    """Return how many requests of the state per second one client can make sequentially."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    count, began = 0, time.monotonic()
    while (now := time.monotonic()) < began + plan.ask_seconds:
        _ask(connection, running.program.state)
        count += 1
    connection.close()
    return count / (now - began)


def raw(running: Running, plan: Plan) -> Raw:
    """Measure a program that encodes raw frames for one viewer."""
    watched = client.watch(running, 1, plan.raw_seconds, plan.settle)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    picture = _ask(connection, running.program.snapshot)
    connection.close()
    _, _, _, subsampling = simplejpeg.decode_jpeg_header(picture)
    return Raw(watched.cpu / 1000, watched.bytes_per_frame, str(subsampling), watched.fps)


def start(running: Running) -> Start:
    """Measure a program that has just been started."""
    return Start(running.until_listening(), running.until_frame())


def idle(running: Running, plan: Plan) -> Idle:
    """Measure a program without viewers."""
    time.sleep(1.0)
    before = running.cpu()
    time.sleep(plan.idle_seconds)
    return Idle((running.cpu() - before) / plan.idle_seconds, running.memory())


def visits(running: Running, plan: Plan, say: Callable[[str], None]) -> Visits:
    """Connect and disconnect viewers, a few at a time, each with other requests as well; record the memory."""
    interval = plan.visit_seconds / plan.visits
    early_after = min(60.0, plan.visit_seconds / 10)
    early, most, came = 0.0, 0.0, 0
    began = time.monotonic()
    said_at = began
    with selectors.DefaultSelector() as there:
        while (now := time.monotonic()) < began + plan.visit_seconds:
            if came < plan.visits and now >= began + came * interval:
                came += 1
                _visit(running, there, now + _TOGETHER * interval)
            _pass(there, now)
            memory = running.memory()
            most = max(most, memory)
            if not early and now > began + early_after:
                early = memory
            if now > said_at + 60:
                said_at = now
                say(f"{came} of {plan.visits} visits, {memory:.1f} MB")
        for key in list(there.get_map().values()):
            _end(there, key)
    time.sleep(1.0)
    return Visits(came, plan.visit_seconds, early, running.memory(), most)


def _visit(running: Running, there: selectors.BaseSelector, until: float) -> None:
    """Request a picture and the state, then connect as a viewer."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    for path in (running.program.snapshot, running.program.state):
        _ask(connection, path)
    connection.close()
    viewer = socket.create_connection(("127.0.0.1", running.port), 10)
    viewer.sendall(f"GET {running.program.stream} HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n\r\n".encode())
    there.register(viewer, selectors.EVENT_READ, until)


def _pass(there: selectors.BaseSelector, now: float) -> None:
    """Read the data of connected viewers, and disconnect those whose time is over."""
    if not there.get_map():
        time.sleep(_LOOK)
        return
    for key, _ in there.select(_LOOK):
        if isinstance(key.fileobj, socket.socket) and not key.fileobj.recv(1 << 20):
            raise BenchmarkError("a visitor was sent away")
    for key in list(there.get_map().values()):
        if now > key.data:
            _end(there, key)


def _end(there: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    there.unregister(key.fileobj)
    if isinstance(key.fileobj, socket.socket):
        key.fileobj.close()


def _latency(running: Running, plan: Plan) -> Latency:
    """Request snapshots at times unrelated to those of the frames, each on a new connection.

    ustreamer 6.62 leaves the second snapshot of a connection unanswered.
    """
    took = []
    for number in range(plan.snapshots + 1):
        time.sleep(0.011 + number * 7 % 23 / 1000)
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        _ask(connection, running.program.snapshot)
        connection.close()
        took.append((time.monotonic() - began) * 1000)
    del took[0]  # the first request warms up
    return Latency(percentile(took, 0.5) or 0.0, percentile(took, 0.95) or 0.0)


def _ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    """Return the body of a successful response. Raises BenchmarkError."""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{path}: {error}") from None
    if answer.status != 200:
        raise BenchmarkError(f"{path}: {answer.status} {answer.reason}")
    return body
