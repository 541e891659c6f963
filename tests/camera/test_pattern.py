"""The built-in test pattern is a camera: it moves, and every control does something that can be seen."""

import time
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from appliance import jpeg
from appliance.camera import sources
from appliance.camera.pattern import TestPattern
from appliance.camera.source import TEST_PATTERN, Camera
from appliance.controls import check
from appliance.errors import InvalidValue
from appliance.frames import Format
from appliance.parameters import Value

Image = npt.NDArray[np.uint8]

FAST = 240.0


def pattern(width: int = 320, height: int = 240, fps: float = FAST) -> TestPattern:
    return TestPattern(Format(width, height, fps, "auto"), 90)


def picture(camera: Camera) -> Image:
    """Return the next picture, decoded."""
    camera.grab()
    data = camera.jpeg()
    jpeg.verify(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8, copy=False)


def with_values(**values: Value) -> Image:
    """Return the first picture of a pattern with these values."""
    camera = pattern()
    camera.set_controls(values)
    return picture(camera)


def difference(one: Image, other: Image) -> float:
    """Return the mean difference of the pixels."""
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("width", "height"),
    [(16, 16), (17, 31), (16, 1080), (1920, 16), (160, 120), (640, 480), (1280, 720), (1080, 1920), (1920, 1080)],
)
def test_it_has_every_size_that_is_asked_for(width: int, height: int) -> None:
    camera = pattern(width, height)
    for style in range(3):
        camera.set_controls({"test_pattern": style})
        assert picture(camera).shape == (height, width, 3)
    assert (camera.granted.width, camera.granted.height, camera.granted.fps) == (width, height, FAST)


def test_it_grants_no_size_that_would_take_a_minute_and_gigabytes_to_draw() -> None:
    camera = pattern(8192, 4000)
    assert (camera.granted.width, camera.granted.height) == (1920, 1920)
    assert picture(camera).shape == (1920, 1920, 3)


def test_it_is_opened_by_its_name() -> None:
    camera = sources.source_of(TEST_PATTERN).open(TEST_PATTERN, Format(160, 120, FAST, "auto"), 80)
    assert isinstance(camera, TestPattern)
    assert camera.device == TEST_PATTERN == sources.choose(TEST_PATTERN, None)
    assert not camera.passes_through
    camera.close()


def test_every_picture_differs_from_the_one_before() -> None:
    camera = pattern()
    pictures = [picture(camera) for _ in range(5)]
    for one, other in pairwise(pictures):
        assert difference(one, other) > 0.05


def test_frames_come_at_the_rate_asked_for() -> None:
    camera = pattern(160, 120, fps=50)
    times = [camera.grab() for _ in range(26)]
    assert times == sorted(times)
    assert 0.25 < times[-1] - times[0] < 3  # 25 frames at 50 a second; a busy machine may be late, but never early


def test_a_frame_is_captured_now() -> None:
    camera = pattern()
    before = time.monotonic()
    assert before <= camera.grab() <= time.monotonic()


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({}, {"brightness": 60}),
        ({}, {"brightness": -60}),
        ({}, {"contrast": 20}),
        ({}, {"contrast": 200}),
        ({}, {"saturation": 0}),
        ({}, {"gamma": 0.5}),
        ({}, {"gamma": 2.2}),
        ({}, {"horizontal_flip": True}),
        ({}, {"test_pattern": 1}),
        ({}, {"test_pattern": 2}),
        ({"white_balance_automatic": False}, {"white_balance_temperature": 2800}),
        ({"white_balance_automatic": False}, {"white_balance_temperature": 6500}),
        ({"white_balance_temperature": 2800}, {"white_balance_automatic": False}),
    ],
)
def test_a_control_can_be_seen_and_undone(values: dict[str, Value], changed: dict[str, Value]) -> None:
    before, after = with_values(test_pattern=1, **values), with_values(**{"test_pattern": 1} | values | changed)
    if "test_pattern" in changed:
        before = with_values(test_pattern=0)
    assert difference(before, after) > 3
    camera = pattern()
    former = {control.name: control.value for control in camera.controls()}
    camera.set_controls(changed)
    camera.set_controls({name: value for name, value in former.items() if value is not None})
    assert {control.name: control.value for control in camera.controls()} == former


def test_controls_do_what_their_names_say() -> None:
    plain = with_values(test_pattern=1)
    assert with_values(test_pattern=1, brightness=50).mean() > plain.mean() + 20
    assert with_values(test_pattern=1, brightness=-50).mean() < plain.mean() - 20
    assert with_values(test_pattern=1, contrast=20).std() < plain.std() / 2
    assert with_values(test_pattern=0, gamma=2.2).mean() > with_values(test_pattern=0).mean() + 20
    assert with_values(test_pattern=0, gamma=0.5).mean() < with_values(test_pattern=0).mean() - 10
    grey = with_values(test_pattern=1, saturation=0)
    assert np.ptp(grey[:40].astype(int), axis=2).max() < 12
    warm = with_values(test_pattern=1, white_balance_automatic=False, white_balance_temperature=6500)
    cold = with_values(test_pattern=1, white_balance_automatic=False, white_balance_temperature=2800)
    assert warm[:, :, 2].mean() > plain[:, :, 2].mean() > cold[:, :, 2].mean()
    assert warm[:, :, 0].mean() < plain[:, :, 0].mean() < cold[:, :, 0].mean()
    flipped = with_values(test_pattern=1, horizontal_flip=True)
    assert difference(flipped[:40, ::-1], plain[:40]) < 3


def test_the_colour_bars_are_the_usual_ones() -> None:
    row = with_values(test_pattern=1)[5]
    middles = [row[int((bar + 0.5) * len(row) / 7)] > 96 for bar in range(7)]
    blue_green_red = ["".join(name for name, on in zip("bgr", bar, strict=True) if on) for bar in middles]
    assert blue_green_red == ["bgr", "gr", "bg", "g", "br", "r", "b"]


def test_the_temperature_is_governed_by_the_automatic_white_balance() -> None:
    camera = pattern()
    assert [control.name for control in camera.controls() if control.inactive] == ["white_balance_temperature"]
    with pytest.raises(InvalidValue, match="change white_balance_automatic first"):
        check(camera.controls(), {"white_balance_temperature": 3000})
    camera.set_controls({"white_balance_automatic": False})
    assert not [control for control in camera.controls() if control.inactive]
    check(camera.controls(), {"white_balance_temperature": 3000})
    camera.set_controls({"white_balance_automatic": True})
    assert [control.name for control in camera.controls() if control.inactive] == ["white_balance_temperature"]


def test_every_control_has_a_default_that_it_would_take() -> None:
    for control in pattern().controls():
        assert control.value == control.parameter.default
        assert control.parameter.parse(control.value) == control.value
        assert control.label


def test_every_format_it_offers_can_be_asked_for() -> None:
    (offered,) = pattern().formats()
    assert offered.pixel_format == "BGR3"
    for width, height, rates in offered.sizes:
        assert rates == tuple(sorted(rates, reverse=True))
        assert picture(pattern(width, height)).shape == (height, width, 3)
    assert offered.as_json()["sizes"][0]["width"] == offered.sizes[0][0]


def test_quality_costs_bytes() -> None:
    sizes = []
    for quality in (10, 50, 95):
        camera = TestPattern(Format(320, 240, FAST, "auto"), quality)
        camera.grab()
        sizes.append(len(camera.jpeg()))
    assert sizes == sorted(sizes)
