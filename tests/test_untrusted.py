"""Whatever a hostile camera sends leads to a picture or to CorruptFrame. `make fuzz-camera` tries longer."""

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import jpeg
from appliance.errors import CorruptFrame
from tests.test_jpeg import PHOTOGRAPH, SOI, segments, with_size
from tests.untrusted import handle

SMALL = jpeg.thumbnail(PHOTOGRAPH, 96)
PARTS = [SMALL[begin:end] for _, begin, end in segments(SMALL)]
MARKERS = st.sampled_from([0xC0, 0xC2, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xFE, 0xFF, 0x01, 0x00])


def segment(marker: int, content: bytes, lie: int) -> bytes:
    """Return a segment whose length may be a lie."""
    return bytes([0xFF, marker]) + ((len(content) + 2 + lie) % 65536).to_bytes(2, "big") + content


LIES = st.sampled_from([0, 0, 0, 0, -2, -1, 1, 7, 1000, 60_000])
STRANGE = st.builds(segment, MARKERS, st.binary(max_size=60), LIES)
EXIF = st.builds(lambda tail: segment(0xE1, b"Exif\0\0MM\0*" + tail, 0), st.binary(max_size=40))
FILLING = st.sampled_from([b"", b"\xff", b"\xff\xff", b"\0"])
SEGMENT = st.sampled_from(PARTS) | STRANGE | EXIF


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """Return a picture whose segments are left out, doubled, swapped, strange, lying, and with wrong bytes."""
    parts = list(PARTS) if draw(st.booleans()) else draw(st.lists(SEGMENT, max_size=12))
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.integers(0, len(parts)))
        match draw(st.sampled_from(("insert", "leave out", "swap"))):
            case "insert":
                parts.insert(where, draw(FILLING) + draw(SEGMENT))
            case "leave out" if parts:
                del parts[where % len(parts)]
            case "swap" if parts:
                parts.append(parts.pop(where % len(parts)))
    data = bytearray(SOI + b"".join(parts))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data) + draw(st.sampled_from((b"", b"\xff\xd9", b"\0\0", b"\xff\xd9" + b"\0" * 20)))


def test_any_structure_leads_to_a_picture_or_a_refusal() -> None:
    outcomes: Counter[str] = Counter()

    @given(pictures())
    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    def try_one(data: bytes) -> None:
        outcomes[handle(data)] += 1

    try_one()
    assert set(outcomes) >= {"refused", "without a size", "damaged", "good"}, "the strategy reaches everything"


@pytest.mark.parametrize(("width", "height"), [(65_500, 65_500), (10_000, 9_999), (65_500, 400), (1, 65_500)])
def test_a_header_announcing_gigabytes_costs_the_camera_thread_nothing(width: int, height: int) -> None:
    data = with_size(PHOTOGRAPH, width, height)
    began_at = time.process_time()
    jpeg.Cleaner().clean(data)
    assert 0 <= jpeg.brightness(data) <= 255
    if width * height > jpeg.LARGEST:
        for work in (jpeg.size, jpeg.verify, jpeg.upright, lambda data: jpeg.reduced(data, 1000)):
            with pytest.raises(CorruptFrame):
                work(data)
    assert time.process_time() - began_at < 5


def test_half_a_million_empty_segments_are_not_walked() -> None:
    data = SOI + segment(0xE0, b"", 0) * 500_000 + b"\xff\xd9"
    began_at = time.process_time()
    with pytest.raises(CorruptFrame):
        jpeg.Cleaner().clean(data)
    assert time.process_time() - began_at < 1


def test_a_good_picture_is_handled() -> None:
    assert handle(jpeg.encode_bgr(np.zeros((48, 64, 3), np.uint8), 80)) == "good"
