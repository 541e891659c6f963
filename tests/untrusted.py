"""What a camera sends is untrusted: everything that the appliance does with it, and what that may lead to."""

import contextlib

from appliance import jpeg
from appliance.errors import CorruptFrame

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
TABLES = 500  # bytes at most that completing a picture adds
AFFORDABLE = 4_000_000  # pixels; more only costs the fuzzer its time


def handle(data: bytes) -> str:
    """Do with the bytes what is done with those of a camera; return how far they came. Raises AssertionError.

    Nothing but CorruptFrame may come out of it.
    """
    try:
        whole = jpeg.Cleaner().clean(data)
    except CorruptFrame as error:
        assert str(error)  # noqa: PT017
        return "refused"
    assert whole.startswith(SOI)
    assert whole.endswith(EOI)
    assert len(whole) <= len(data) + TABLES
    assert jpeg.Cleaner().clean(whole) == whole
    for orientation in range(2, 9):
        turned = jpeg.oriented(whole, orientation)
        assert turned.endswith(whole[2:])
        with contextlib.suppress(CorruptFrame):
            assert jpeg.seen_size(turned) == jpeg.turned(*jpeg.size(turned), orientation)
    try:
        width, height = jpeg.size(whole)
    except CorruptFrame:
        assert jpeg.brightness(whole) == 0
        return "without a size"
    assert 0 < width * height <= jpeg.LARGEST
    if width * height > AFFORDABLE:
        return "too large to try"
    return _decode(whole, width, height)


def _decode(whole: bytes, width: int, height: int) -> str:
    assert 0 <= jpeg.brightness(whole) <= 255
    for work in (jpeg.upright, lambda data: jpeg.thumbnail(data, 32), lambda data: jpeg.reduced(data, 20_000)[0]):
        with contextlib.suppress(CorruptFrame):
            jpeg.verify(work(whole))
    try:
        jpeg.verify(whole)
    except CorruptFrame:
        return "damaged"
    assert jpeg.size(jpeg.upright(whole)) in ((width, height), (height, width))
    return "good"
