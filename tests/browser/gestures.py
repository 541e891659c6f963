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


def _touch(page: Page, steps: list[list[tuple[float, float]]]) -> None:
    """Put fingers down where the first step says, move them through the others, and lift them."""
    session = page.context.new_cdp_session(page)
    for number, fingers in enumerate(steps):
        points = [{"x": x, "y": y, "id": id} for id, (x, y) in enumerate(fingers)]
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": points}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def pinch(page: Page, middle: tuple[float, float], before: float, after: float) -> None:
    """Move two fingers from one distance to another."""
    x, y = middle
    distances = [before + (after - before) * step / 10 for step in range(11)]
    _touch(page, [[(x - each / 2, y), (x + each / 2, y)] for each in distances])


def swipe(page: Page, start: tuple[float, float], right: float, down: float) -> None:
    """Move one finger."""
    x, y = start
    _touch(page, [[(x + right * step / 10, y + down * step / 10)] for step in range(11)])
