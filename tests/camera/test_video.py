"""Video files and network streams are cameras: real files, a real server, real FFmpeg."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from appliance import jpeg
from appliance.camera import STALL_TIMEOUT, sources
from appliance.camera.video import Video
from appliance.errors import CameraLost, CameraUnavailable, InvalidValue
from appliance.frames import Format

Image = npt.NDArray[np.uint8]
MakeVideo = Callable[..., Path]

SECRET = "hunter2-of-the-camera"


def grey(level: int, width: int = 160, height: int = 120) -> Image:
    return np.full((height, width, 3), level, np.uint8)


def level(data: bytes) -> float:
    """Return how bright the picture is."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return float(image.mean())


def watch_to_the_end(video: Video) -> None:
    """Take frames until the video raises."""
    while True:
        video.grab()


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Make a video file; its frames get brighter, from 20 in steps of 20."""

    def make(name: str = "film.avi", codec: str = "MJPG", fps: float = 25, frames: int = 10) -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (160, 120))
        assert writer.isOpened()
        for number in range(frames):
            writer.write(grey(20 + number * 20))
        writer.release()
        return path

    return make


class _Stream(BaseHTTPRequestHandler):
    """Sends pictures as an IP camera does, as fast as they are taken, until `stalled` or `ended`."""

    stalled = threading.Event()
    ended = threading.Event()
    paths: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.paths.append((self.path, self.headers.get("Authorization")))
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=frame")
        self.end_headers()
        with suppress(ConnectionError):
            while not self.stalled.is_set():
                data = jpeg.encode_bgr(grey(120), 80)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
            self.ended.wait()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a network camera."""
    monkeypatch.delenv("http_proxy", raising=False)
    _Stream.stalled.clear()
    _Stream.ended.clear()
    _Stream.paths.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stream) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield httpd.server_address[1]
        _Stream.stalled.set()
        _Stream.ended.set()
        httpd.shutdown()
        thread.join()


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(("name", "codec"), [("film.avi", "MJPG"), ("film.mp4", "mp4v")])
def test_a_file_has_its_own_size_and_rate(make_video: MakeVideo, name: str, codec: str) -> None:
    path = make_video(name, codec, fps=12.5)
    with closing(Video(str(path), 80)) as video:
        assert video.granted == Format(160, 120, 12.5, "BGR3")
        assert (video.device, video.description) == (str(path), "video file")
        assert not video.passes_through
        video.grab()
        data = video.jpeg()
        jpeg.verify(data)
        assert jpeg.size(data) == (160, 120)


def test_a_file_is_opened_by_its_path(make_video: MakeVideo) -> None:
    path = make_video()
    with closing(sources.source_of(str(path)).open(str(path), Format(1920, 1080, 60.0, "auto"), 80)) as video:
        assert isinstance(video, Video)
        assert video.granted.width == 160


def test_a_file_plays_in_order_and_begins_again(make_video: MakeVideo) -> None:
    with closing(Video(str(make_video(fps=100, frames=10)), 90)) as video:
        levels = []
        for _ in range(25):
            video.grab()
            levels.append(level(video.jpeg()))
    assert levels == pytest.approx([20 + number % 10 * 20 for number in range(25)], abs=8)


def test_a_file_plays_at_its_rate(make_video: MakeVideo) -> None:
    with closing(Video(str(make_video(fps=25, frames=5)), 80)) as video:
        times = [video.grab() for _ in range(16)]
    assert times == sorted(times)
    assert 0.3 < times[-1] - times[0] < 3  # 15 frames at 25 a second; a busy machine may be late, but never early
    assert times[-1] <= time.monotonic()


def test_a_file_has_no_controls(make_video: MakeVideo) -> None:
    with closing(Video(str(make_video()), 80)) as video:
        assert video.controls() == []
        assert video.formats() == []
        video.set_controls({})
        with pytest.raises(InvalidValue, match=r"^brightness: .*film\.avi has no controls$"):
            video.set_controls({"brightness": 1})


def test_a_single_picture_is_a_film_too(tmp_path: Path) -> None:
    path = tmp_path / "still.jpg"
    path.write_bytes(jpeg.encode_bgr(grey(120), 90))
    with closing(Video(str(path), 80)) as video:
        for _ in range(3):
            video.grab()
            assert level(video.jpeg()) == pytest.approx(120, abs=4)


@pytest.mark.parametrize("source", ["missing.avi", "", "x" * 1000, "/", "a\0b", "/dev", "file with ümläuts.mp4"])
def test_a_missing_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CameraUnavailable, match=r"^there is no video file "):
        Video(source, 80)


@pytest.mark.parametrize("content", [b"", b"this is a letter\n" * 100, b"\0" * 10_000, bytes(range(256)) * 40])
def test_a_file_that_is_no_video_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.mp4"
    path.write_bytes(content)
    with pytest.raises(CameraUnavailable) as refusal:
        Video(str(path), 80)
    assert str(refusal.value) == f"{path} cannot be opened: it is not reachable or contains no video"


def test_a_file_that_is_cut_short_plays_as_far_as_it_goes(make_video: MakeVideo) -> None:
    path = make_video(fps=100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with closing(Video(str(path), 80)) as video:
        for _ in range(25):
            video.grab()
            jpeg.verify(video.jpeg())


def test_a_file_that_was_deleted_is_not_played_to_its_end(make_video: MakeVideo) -> None:
    path = make_video()
    with closing(Video(str(path), 80)) as video:
        video.grab()
        path.unlink()
        with pytest.raises(CameraLost, match=f"^there is no video file {path}$"):
            video.grab()


# ---------------------------------------------------------------- network


def test_a_network_camera_is_shown(server: int) -> None:
    url = f"http://127.0.0.1:{server}/stream.mjpg"
    with closing(Video(url, 80)) as video:
        assert (video.device, video.description) == (url, "network stream")
        assert (video.granted.width, video.granted.height) == (160, 120)
        assert video.granted.fps > 0
        for _ in range(10):
            before = time.monotonic()
            assert before <= video.grab() <= time.monotonic()
            assert level(video.jpeg()) == pytest.approx(120, abs=4)
    assert _Stream.paths[0][0] == "/stream.mjpg"


def test_a_network_camera_that_ends_is_lost(server: int) -> None:
    with closing(Video(f"http://127.0.0.1:{server}/", 80)) as video:
        video.grab()
        _Stream.stalled.set()
        _Stream.ended.set()
        with pytest.raises(CameraLost, match=rf"^http://127\.0\.0\.1:{server}/ gives no more pictures$"):
            watch_to_the_end(video)


@pytest.mark.parametrize(("setting", "patience"), [("1", 5), ("7", 7)])
def test_a_stalled_network_camera_has_the_stall_timeout_and_at_least_5_s(
    server: int, monkeypatch: pytest.MonkeyPatch, setting: str, patience: int
) -> None:
    monkeypatch.setenv(STALL_TIMEOUT, setting)
    with closing(Video(f"http://127.0.0.1:{server}/", 80)) as video:
        video.grab()
        _Stream.stalled.set()
        begun = time.monotonic()
        with pytest.raises(CameraLost):
            watch_to_the_end(video)
    assert patience <= time.monotonic() - begun < patience + 10


def test_a_password_goes_to_the_camera_and_nowhere_else(server: int) -> None:
    with closing(Video(f"http://me:{SECRET}@127.0.0.1:{server}/", 80)) as video:
        assert video.device == f"http://me:***@127.0.0.1:{server}/"
        with pytest.raises(InvalidValue) as refusal:
            video.set_controls({"brightness": 1})
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp", "HTTP", "nonsense", "tcp"])
def test_an_unreachable_address_is_reported_without_its_password(unused_port: int, scheme: str) -> None:
    with pytest.raises(CameraUnavailable) as refusal:
        Video(f"{scheme}://me:{SECRET}@127.0.0.1:{unused_port}/stream", 80)
    shown = f"{scheme}://me:***@127.0.0.1:{unused_port}/stream"
    assert str(refusal.value) == f"{shown} cannot be opened: it is not reachable or contains no video"
