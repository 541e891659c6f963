"""One interface for all browsers: what a person does, and what the page then is."""

import base64
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.browsers.wire import DriverError, Wire
from tests.running import PATIENCE, eventually

# What the standard calls a reference to an element: https://www.w3.org/TR/webdriver2/#elements
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SCRIPT_TIMEOUT = 5000  # ms
_KEYS = {"Escape": "\ue00c", "Enter": "\ue007", "Delete": "\ue017", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}
_TEXT = """(selector) => {
  const element = document.querySelector(selector);
  return element?.checkVisibility() ? element.textContent.trim() : "";
}"""
_REMEMBER_ERRORS = """() => {
  if (window.seenErrors) return;
  window.seenErrors = [];
  const remember = (text) => window.seenErrors.push(String(text));
  addEventListener("error", (event) => remember(event.message ?? `${event.target?.outerHTML} did not load`), true);
  addEventListener("unhandledrejection", (event) => remember(event.reason));
  addEventListener("securitypolicyviolation", (event) => remember(`${event.violatedDirective}: ${event.blockedURI}`));
}"""


def is_about_a_page_that_went(error: DriverError) -> bool:
    """Return whether a script got no answer; WebKit waits for it until the time is over."""
    return error.code in {"timeout", "script timeout", "no such frame"} or "unload" in str(error)


class Browser:
    """A window of a browser. A selector in CSS names elements; a function of a script is text, as in Playwright."""

    def __init__(self, name: str, wire: Wire, version: str) -> None:
        self.name = name
        self.version = version
        self._wire = wire
        wire.send("SetTimeouts", script=SCRIPT_TIMEOUT, pageLoad=30_000, implicit=0)

    # -- what a person does ---------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Go to an address; what goes wrong on the page from then on is remembered."""
        self.evaluate("() => { window.isLeft = true; }")
        self._wire.send("Navigate", url=url)
        self.until("() => !window.isLeft && document.readyState !== 'loading'")
        self.evaluate(_REMEMBER_ERRORS)

    def leave(self) -> None:
        """Go to an empty page: every connection of this one ends."""
        self._wire.send("Navigate", url="about:blank")

    def click(self, selector: str) -> None:
        """Click the middle of an element that can be seen, once it can be."""
        self._patiently("ElementClick", selector)

    def press(self, key: str) -> None:
        """Press a key and let it go, whatever has the focus."""
        value = _KEYS.get(key, key)
        strokes = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field by typing."""
        self.click(selector)
        self.evaluate("(one) => document.querySelector(one).select()", selector)
        for character in text:
            self.press(character)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a menu."""
        self.click(f"{selector} option[value='{value}']")

    def slide(self, selector: str, part: float) -> None:
        """Drag a slider from its middle to a part of its way."""
        self.evaluate("(one) => document.querySelector(one).scrollIntoView({ block: 'center' })", selector)
        box = self.box(selector)
        middle = round(box["y"] + box["height"] / 2)
        start, end = round(box["x"] + box["width"] / 2), round(box["x"] + 2 + (box["width"] - 4) * part)
        steps = [start + (end - start) * step // 10 for step in range(1, 11)]

        def move(x: int) -> dict[str, Any]:
            return {"type": "pointerMove", "duration": 20, "x": x, "y": middle}

        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        actions = [move(start) | {"duration": 0}, down, *(move(x) for x in steps), up]
        self._act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions})

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in CSS pixels."""
        for _ in range(3):
            outer, inner = self.evaluate("() => [[outerWidth, outerHeight], [innerWidth, innerHeight]]")
            if inner == [width, height]:
                return
            frame = outer[0] - inner[0], outer[1] - inner[1]
            self._wire.send("SetWindowRect", x=0, y=0, width=width + frame[0], height=height + frame[1])
        assert self.evaluate("() => [innerWidth, innerHeight]") == [width, height]

    # -- what the page is -----------------------------------------------------------------------------------------

    def evaluate(self, function: str, *arguments: object) -> Any:
        """Call a function in the page and return its result, that of a promise too.

        It is called again where the browser went to another page meanwhile, and so never answered.
        """
        script = f"return ({function})(...arguments)"
        begin = time.monotonic()
        while True:
            try:
                return self._wire.send("ExecuteScript", script=script, args=list(arguments))
            except DriverError as error:
                if not is_about_a_page_that_went(error) or time.monotonic() > begin + PATIENCE:
                    raise

    def until(self, function: str, *arguments: object, seconds: float = PATIENCE) -> Any:
        """Wait until a function in the page returns something true, and return that."""
        return eventually(lambda: self.evaluate(function, *arguments), f"{function} {arguments}", seconds)

    def text(self, selector: str) -> str:
        """Return the text of an element, empty where there is none or it is hidden."""
        return str(self.evaluate(_TEXT, selector))

    def until_text(self, selector: str, part: str) -> None:
        """Wait until an element shows a text."""
        eventually(lambda: part in self.text(selector), f"{part!r} in {selector}")

    def value(self, selector: str) -> str:
        """Return the value of a field."""
        return str(self.evaluate("(one) => document.querySelector(one).value", selector))

    def box(self, selector: str) -> dict[str, float]:
        """Return the place of an element in the window: x, y, width and height in CSS pixels."""
        box: dict[str, float] = self.evaluate(
            "(one) => document.querySelector(one).getBoundingClientRect().toJSON()", selector
        )
        return box

    @property
    def url(self) -> str:
        """The address of the page."""
        return str(self._wire.send("GetCurrentURL"))

    @property
    def errors(self) -> list[str]:
        """What went wrong on the page since it was opened."""
        return [str(error) for error in self.evaluate("() => window.seenErrors ?? []")]

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """The cookies that the page would send."""
        cookies = self._wire.send("GetCookies")
        assert isinstance(cookies, list)
        return cookies

    def forget_cookies(self) -> None:
        """Delete the cookies of the page."""
        self._wire.send("DeleteAllCookies")

    def screenshot(self) -> bytes:
        """Return a PNG of the window."""
        return base64.b64decode(self._wire.send("TakeScreenshot", full=False))

    def pixels(self, selector: str) -> NDArray[np.uint8]:
        """Return the pixels of an element that is in sight, as BGR in rows.

        Cut from the window: WebKit's picture of an `<img>` alone is the one that it decoded first.
        """
        image = cv2.imdecode(np.frombuffer(self.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        left, top, width, height = (round(self.box(selector)[name]) for name in ("x", "y", "width", "height"))
        return image[max(top, 0) : top + height, max(left, 0) : left + width].astype(np.uint8)

    def photograph(self, path: Path) -> None:
        """Write a PNG of the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.screenshot())

    # -- how ------------------------------------------------------------------------------------------------------

    def _find(self, selector: str) -> str:
        found = self._wire.send("FindElement", using="css selector", value=selector)
        return str(found[_ELEMENT])

    def _patiently(self, command: str, selector: str, **parameters: object) -> None:
        """Send a command about an element, again until the element is there and can take it."""
        refusals: list[DriverError] = []

        def done() -> bool:
            try:
                self._wire.send(command, id=self._find(selector), **parameters)
            except DriverError as error:
                refusals.append(error)
                return False
            return True

        try:
            eventually(done, f"{command} {selector}")
        except AssertionError:
            raise refusals[-1] from None

    def _act(self, source: dict[str, Any]) -> None:
        self._wire.send("PerformActions", actions=[source])
        self._wire.send("ReleaseActions")
