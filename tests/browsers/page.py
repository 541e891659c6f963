"""What the page of the appliance shows."""

from tests.browsers.browser import Browser
from tests.running import eventually


def frames(browser: Browser) -> int:
    """Return how many frames the page has shown."""
    return int(browser.evaluate("() => document.querySelector('#live').dataset.frames"))


def mood(browser: Browser) -> str:
    """Return what the page says of the live picture: live, waiting, lost, private ..."""
    return str(browser.evaluate("() => document.querySelector('#stage')?.dataset.mood ?? ''"))


def until_mood(browser: Browser, wanted: str) -> None:
    """Wait until the page says that of the live picture."""
    eventually(lambda: mood(browser) == wanted, f"the mood {wanted!r}")


def until_frames_flow(browser: Browser, more: int = 10) -> None:
    """Wait until the page is live and has shown some more frames."""
    shown = frames(browser)
    eventually(lambda: frames(browser) >= shown + more, f"{more} more frames")
    until_mood(browser, "live")


def see_live(browser: Browser, url: str) -> None:
    """Open the page and wait until its live picture moves and its controls are there."""
    browser.open(url)
    until_frames_flow(browser)
    browser.until("() => document.querySelector('[data-control=brightness]')?.offsetWidth > 0")


def is_shown(browser: Browser, selector: str) -> bool:
    """Return whether the page shows an element."""
    return bool(browser.evaluate("(one) => document.querySelector(one)?.checkVisibility() ?? false", selector))


def until_shown(browser: Browser, selector: str) -> None:
    """Wait until the page shows an element."""
    eventually(lambda: is_shown(browser, selector), f"{selector} on the page")
