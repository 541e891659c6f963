"""Rate, stillness and exposure are judged as promised, on real pictures."""

import time
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import jpeg
from appliance.capture.monitors import ALIKE, EXPOSURE_DEADLINE, RATE_WINDOW, STEADY, ExposureMeter, Rate, Stillness

PHOTOGRAPHS = sorted((Path(__file__).parents[1] / "simcam/photographs").glob("*.jpg"))


@cache
def photograph() -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(PHOTOGRAPHS[0]))
    assert image is not None
    return cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


@cache
def lit(light: float) -> bytes:
    """Return the photograph at that light; 1 is as it was taken."""
    return jpeg.encode_bgr(cv2.convertScaleAbs(photograph(), alpha=light).astype(np.uint8, copy=False), 80)


# ---------------------------------------------------------------- rate


@pytest.mark.parametrize("fps", [1, 5, 15, 29.97, 60])
def test_the_rate_is_that_of_the_last_two_seconds(fps: float) -> None:
    rate, now = Rate(), time.monotonic()
    frames = int(10 * fps)
    for number in range(frames):
        rate.note(now - (frames - 1 - number) / fps)
    assert rate.fps == pytest.approx(fps, rel=0.01)
    assert rate.age == pytest.approx(0, abs=0.5)


def test_a_rate_that_changes_is_right_after_two_seconds() -> None:
    rate, now = Rate(), time.monotonic()
    for number in range(300):
        rate.note(now - 12.1 + number / 30)
    for number in range(int(RATE_WINDOW * 5) + 1):
        rate.note(now - RATE_WINDOW + number / 5)
    assert rate.fps == pytest.approx(5, rel=0.15)


def test_without_frames_there_is_neither_rate_nor_age() -> None:
    rate = Rate()
    assert (rate.fps, rate.age) == (None, None)
    rate.note(time.monotonic())
    assert rate.fps is None, "one frame has no rate"
    rate.note(time.monotonic())
    rate.clear()
    assert (rate.fps, rate.age) == (None, None)


def test_frames_of_long_ago_have_an_age_but_no_rate() -> None:
    rate, now = Rate(), time.monotonic()
    for number in range(30):
        rate.note(now - 60 + number / 30)
    assert rate.fps is None
    assert rate.age == pytest.approx(59, abs=1)


@given(st.lists(st.floats(0, 1000), max_size=50))
def test_no_order_of_times_breaks_the_rate(times: list[float]) -> None:
    rate = Rate()
    for moment in times:
        rate.note(moment)
        assert rate.fps is None or rate.fps >= 0
        assert rate.age is None or rate.age >= 0


# ---------------------------------------------------------------- stillness


def test_a_picture_unchanged_for_longer_than_the_limit_is_frozen() -> None:
    stillness, data = Stillness(10.0), lit(1.0)
    assert not stillness.note(data, 100.0)
    assert not stillness.note(data, 110.0)
    assert stillness.note(data, 110.1)
    assert stillness.is_frozen
    assert not stillness.note(data[:-3] + b"x\xff\xd9", 110.2), "one other byte is a picture that moves"
    assert not stillness.is_frozen
    assert not stillness.note(data, 110.3)
    assert not stillness.note(data, 120.0)


def test_a_limit_of_zero_switches_that_off() -> None:
    stillness = Stillness(0)
    assert not any(stillness.note(b"the same", moment) for moment in range(0, 100_000, 1000))


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.floats(0.01, 3)), min_size=1, max_size=40))
def test_only_the_time_since_the_last_change_counts(steps: list[tuple[bytes, float]]) -> None:
    stillness, now, changed_at, last = Stillness(2.0), 50.0, 50.0, b""
    for data, later in steps:
        now += later
        if data != last:
            last, changed_at = data, now
        assert stillness.note(data, now) == (now - changed_at > 2.0)


# ---------------------------------------------------------------- exposure


def judged(meter: ExposureMeter, pictures: list[bytes], fps: float = 30) -> list[str]:
    """Return the verdicts on pictures that come at that rate."""
    return [meter.judge(data, 100 + number / fps) for number, data in enumerate(pictures)]


@pytest.mark.parametrize(
    ("fps", "steps", "frames_of_a_step"), [(30, 8, 1), (30, 8, 3), (30, 8, 5), (5, 3, 1), (5, 3, 2)]
)
def test_a_camera_that_brightens_in_steps_settles_when_it_is_bright(
    fps: float, steps: int, frames_of_a_step: int
) -> None:
    dark = [lit(0.1 + 0.9 * step / steps) for step in range(steps) for _ in range(frames_of_a_step)]
    verdicts = judged(ExposureMeter(), dark + [lit(1.0)] * int(STEADY * fps + 2), fps)
    assert set(verdicts[: len(dark)]) == {"settling"}
    assert verdicts[-1] == "settled"


def test_a_verdict_stays() -> None:
    meter = ExposureMeter()
    assert judged(meter, [lit(1.0)] * 17)[-1] == "settled"
    assert meter.judge(lit(0.1), 101.0) == "settled"


def test_a_sensor_that_has_not_begun_is_not_taken_for_a_steady_picture() -> None:
    black = jpeg.encode_bgr(np.full((240, 320, 3), 3, np.uint8), 80)
    verdicts = judged(ExposureMeter(), [black] * 30 + [lit(1.0)] * 17)
    assert set(verdicts[:45]) == {"settling"}
    assert verdicts[-1] == "settled"
    assert judged(ExposureMeter(), [black] * 63)[-1] == "unsettled", "a dark room is shown as it is"


def test_noise_and_a_blinking_light_are_told_apart() -> None:
    generator = np.random.default_rng(1)
    image = photograph().astype(np.int16)
    noisy = [np.clip(image + generator.normal(0, 6, image.shape), 0, 255).astype(np.uint8) for _ in range(17)]
    assert judged(ExposureMeter(), [jpeg.encode_bgr(each, 80) for each in noisy])[-1] == "settled"
    bright, dim = lit(1.0), lit(0.5)
    assert judged(ExposureMeter(), [bright, dim] * 15)[-1] == "settling"


def test_an_exposure_that_never_settles_is_accepted_at_the_deadline() -> None:
    meter, now, verdict = ExposureMeter(), 100.0, "settling"
    flicker = [lit(1.0), lit(0.6)]
    count = 0
    while verdict == "settling":
        verdict = meter.judge(flicker[count % 2], now)
        assert now <= 100 + EXPOSURE_DEADLINE + 0.1
        now, count = now + 0.05, count + 1
    assert verdict == "unsettled"


def test_a_source_without_exposure_is_settled_at_once() -> None:
    meter = ExposureMeter()
    meter.settle()
    assert meter.judge(lit(0.1), 100.0) == "settled"


def test_brightness_is_that_of_the_picture_and_damage_is_black() -> None:
    exact = cv2.cvtColor(photograph(), cv2.COLOR_BGR2GRAY).mean()
    assert jpeg.brightness(lit(1.0)) == pytest.approx(exact, abs=2)
    assert jpeg.brightness(lit(0.5)) == pytest.approx(exact / 2, abs=2)
    assert jpeg.brightness(lit(1.0)) - jpeg.brightness(lit(0.9)) > ALIKE
    assert jpeg.brightness(b"no picture") == 0
