"""The stream in an `<img>` of another site's page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.browsers.browser import Browser
from tests.running import RunningAppliance, eventually


@contextmanager
def site(page: str) -> Iterator[str]:
    """Serve a page at another origin; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()


def until_it_moves(browser: Browser, selector: str) -> None:
    """Wait until the middle of an element, where nothing lies over it, has looked different three times."""
    seen: set[bytes] = set()

    def moved() -> bool:
        pixels = browser.pixels(selector)
        height, width = pixels.shape[:2]
        seen.add(pixels[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4].tobytes())
        return len(seen) > 3

    eventually(moved, f"pictures of {selector} that differ")


def test_an_img_of_another_origin_shows_moving_pictures(browser: Browser, appliance: RunningAppliance) -> None:
    # Firefox answers nothing while a busy machine is behind with decoding an <img>, which it does in order.
    stream = f"{appliance.url}stream.mjpg?fps=5"
    with site(f"<!doctype html><title>Elsewhere</title><img src='{stream}' width=640>") as address:
        browser.open(address)
        assert browser.until("() => document.querySelector('img').naturalWidth") == 1280
        until_it_moves(browser, "img")
        assert appliance.state()["viewers"] == 1
        browser.leave()
        eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")
