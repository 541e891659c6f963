"""A turned camera: the page shows its picture upright."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, expect

from tests.running import RunningAppliance


def test_the_pixels_are_turned_not_only_the_size(
    tmp_path: Path, page: Page, eventually: Callable[[Callable[[], object]], None]
) -> None:
    """Colour bars stand side by side in the camera, and lie one above the other on the page."""
    with RunningAppliance(tmp_path, settings={"camera.rotate": 90}) as appliance:
        appliance.until_live().ask("PATCH", "/api/controls", {"test_pattern": "Colour bars"})
        page.goto(appliance.url)
        canvas = page.locator("#live")
        expect(page.locator("#stage")).to_have_attribute("data-mood", "live")

        def lie() -> bool:
            image = cv2.imdecode(np.frombuffer(canvas.screenshot(), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            height, width = image.shape[:2]
            left, right = (width // 2 + side * height * 9 // 40 for side in (-1, 1))  # inside 9:16, in the middle
            row = image[height // 2, [left, right]].astype(int)
            column = image[[height // 20, height * 19 // 20], right].astype(int)
            return bool(abs(row[0] - row[1]).max() < 40 and abs(column[0] - column[1]).max() > 100)

        eventually(lie)
        picture = appliance.ask("POST", "/api/pictures").json
        assert (picture["width"], picture["height"]) == (720, 1280)
