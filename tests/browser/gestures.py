"""What a hand does on the page."""

from playwright.sync_api import Page


def slide(page: Page, control: str, part: float) -> None:
    """Drag the slider of a control to a part of its way, as with a finger."""
    slider = page.locator(f"[data-control={control}] input[type=range]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 + (box["width"] - 4) * part, middle, steps=50)
    page.mouse.up()
