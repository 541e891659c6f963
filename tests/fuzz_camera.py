"""Fuzz what is done with the bytes of a camera, guided by coverage: `make fuzz-camera SECONDS=300`.

It needs atheris, which `make fuzz-camera` installs where there is a wheel; tests/test_untrusted.py searches without it.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["appliance.jpeg"]):
    from appliance import jpeg

from tests.test_jpeg import DHT, PHOTOGRAPHS, SOI, with_size, without
from tests.untrusted import handle

_outcomes: Counter[str] = Counter()


def _try(data: bytes) -> None:
    """Handle the input as it is, and as a picture around it."""
    for candidate in (data, SOI + data + b"\xff\xd9"):
        _outcomes[handle(candidate)] += 1
    if sum(_outcomes.values()) % 20_000 == 0:
        print(dict(_outcomes), flush=True)


def _seeds(directory: Path) -> None:
    for number, path in enumerate(PHOTOGRAPHS):
        small = jpeg.thumbnail(path.read_bytes(), 64)
        for name, data in (
            ("whole", small),
            ("bare", without(small, DHT)),
            ("turned", jpeg.oriented(small, 6)),
            ("large", with_size(small, 3000, 1000)),
        ):
            (directory / f"{number}-{name}").write_bytes(data)


def main() -> None:
    """Run libFuzzer with its own arguments, such as `-max_total_time=300`; it ends with status 77 at a finding."""
    with tempfile.TemporaryDirectory() as directory:
        _seeds(Path(directory))
        atheris.Setup([*sys.argv, "-max_len=6000", "-timeout=20", "-rss_limit_mb=2048", directory], _try)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
