"""The page as a whole: keys, sizes, names for screen readers, and being at home under any path."""

import http.server
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Eventually
from tests.browser.gestures import slide
from tests.running import RunningAppliance

TOO_SMALL = """() => [...document.querySelectorAll("button, select, input, a[href]")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .map((one) => [one, (one.type === "checkbox" ? one.closest(".control-head, label") : one).getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44)
  .map(([one]) => one.outerHTML)"""
NAMELESS = """() => [...document.querySelectorAll("button, select, input, a[href], img")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => !(one.labels?.length || one.ariaLabel || one.alt || one.textContent.trim()))
  .filter((one) => !one.querySelector("img")?.alt)
  .map((one) => one.outerHTML)"""


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#stage")).to_have_attribute("data-mood", "live")
    expect(page.locator("[data-state=version]")).not_to_have_text("–")


def test_nothing_overflows_from_small_phones_to_large_screens(page: Page, watching: RunningAppliance) -> None:
    open_page(page, watching.url)
    for _ in range(12):
        watching.ask("POST", "api/pictures", {})
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(12)
    expect(page.locator("[data-control=brightness]")).to_be_visible()
    for width in (320, 360, 390, 640, 768, 1024, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#live").evaluate("one => one.getBoundingClientRect().width") > width * 0.5


def test_everything_is_large_enough_to_touch_and_has_a_name(page: Page, watching: RunningAppliance) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, watching.url)
    page.keyboard.press("r")
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(1)
    expect(page.locator("[data-control=brightness]")).to_be_visible()
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate(NAMELESS) == []


def test_keys_typed_into_a_field_are_text(page: Page, watching: RunningAppliance) -> None:
    open_page(page, watching.url)
    number = page.locator("[data-control=brightness] input[type=number]")
    number.focus()
    for key in "rqf":
        page.keyboard.press(key)
    page.locator("#format-size").focus()
    page.keyboard.press("q")
    expect(page.locator("#stage")).to_have_attribute("data-state", "live")
    assert watching.stored() == []


def test_keys_with_modifiers_belong_to_the_browser(page: Page, appliance: RunningAppliance) -> None:
    open_page(page, appliance.url)
    for modifier in ("Alt", "Shift"):
        page.keyboard.press(f"{modifier}+r")
        page.keyboard.press(f"{modifier}+q")
    expect(page.locator("#stage")).to_have_attribute("data-state", "live")
    assert appliance.stored() == []


def test_key_f_fills_the_screen(page: Page, appliance: RunningAppliance, eventually: Eventually) -> None:
    open_page(page, appliance.url)
    page.keyboard.press("f")
    eventually(lambda: page.evaluate("document.fullscreenElement?.id") == "stage")
    expect(page.locator("#full-screen-take")).to_be_visible()
    page.locator("#full-screen-take").click()
    expect(page.locator("#stage [data-toast=success]")).to_be_visible()
    assert len(appliance.stored()) == 1
    page.keyboard.press("f")
    eventually(lambda: page.evaluate("document.fullscreenElement") is None)
    expect(page.locator("#full-screen-take")).to_be_hidden()


def test_the_keyboard_alone_is_enough(page: Page, watching: RunningAppliance, eventually: Eventually) -> None:
    open_page(page, watching.url)
    expect(page.locator("[data-control=brightness]")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#show-keys")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#privacy-switch")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#take-picture")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("#toggle-live")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#stage")).to_have_attribute("data-state", "stopped")
    for _ in range(14):
        if page.evaluate("document.activeElement.id") == "control-brightness":
            break
        page.keyboard.press("Tab")
    expect(page.locator("#control-brightness")).to_be_focused()
    page.keyboard.press("ArrowRight")
    eventually(lambda: watching.ask("GET", "api/controls").json["values"]["brightness"] == 1)


def test_the_state_line_says_how_things_are(page: Page, watching: RunningAppliance) -> None:
    open_page(page, watching.url)
    state = watching.state()
    fact = {name: page.locator(f"#state-line [data-state={name}]") for name in ("camera", "device", "fps", "viewers")}
    expect(fact["camera"]).to_have_text("Live")
    expect(fact["device"]).to_have_text(state["camera"]["description"])
    expect(fact["fps"]).to_contain_text("fps")
    expect(fact["viewers"]).to_have_text(f"1 of {state['max_viewers']}")
    expect(page.locator("#state-line [data-state=mqtt]")).to_have_text("Off")
    expect(page.locator("#state-line [data-state=version]")).to_have_text(state["version"])
    expect(page.locator("#state-line [data-state=corrupt]")).to_have_text("0")
    expect(page.locator("#state-line [data-state=dropped]")).to_have_text(re.compile("^[0-9]"))
    expect(page.locator("#state-line [data-state=uptime]")).to_have_text(re.compile("^[0-9]+ (s|min)$"))
    expect(page.locator("#state-line [data-state=disk_free]")).to_contain_text("free")


def test_the_last_minute_is_drawn(page: Page, shared: RunningAppliance) -> None:
    open_page(page, shared.url)
    for name, unit in (("fps", "fps"), ("age", "s")):
        figure = page.locator(f"#{name}-history")
        expect(figure.locator("[data-role=line]")).to_have_attribute("d", re.compile(r"^M[\d. ]+(L[\d. ]+){2,}"))
        expect(figure.locator("output")).to_contain_text(unit)
        expect(figure.locator("svg")).to_have_attribute("aria-label", re.compile(r"in the last minute: [\d.]+ .+ to"))


def test_the_keys_are_shown_and_found(page: Page, shared: RunningAppliance) -> None:
    open_page(page, shared.url)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("q")  # belongs to the dialog
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#stage")).to_have_attribute("data-state", "live")
    page.locator("#show-keys").click()
    page.locator("#keys-close").click()
    expect(page.locator("#keys")).to_be_hidden()


def test_the_page_can_be_installed(page: Page, shared: RunningAppliance) -> None:
    open_page(page, shared.url)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert shared.state()["name"] in manifest["data"]
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in errors] in ([], ["in-incognito"])  # as every page of a test is


def test_the_page_is_light(page: Page, shared: RunningAppliance) -> None:
    """Everything that comes before and beside the pictures, as it is transferred: 120 kB at most."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    addresses: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.requestWillBeSent", lambda it: addresses.update({it["requestId"]: it["request"]["url"]}))
    session.on("Network.loadingFinished", lambda it: sizes.update({it["requestId"]: it["encodedDataLength"]}))
    open_page(page, shared.url)
    expect(page.locator("[data-control=brightness]")).to_be_visible()
    ours = {addresses[id]: size for id, size in sizes.items() if not addresses[id].endswith(".jpg")}
    assert any(address.endswith("style.css") for address in ours)
    assert sum(ours.values()) < 120_000, ours


def test_the_page_works_on_a_slow_line(page: Page, appliance: RunningAppliance, eventually: Eventually) -> None:
    """1 Mbit/s and 300 ms: the picture moves, and a control obeys."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 300, "downloadThroughput": 125_000, "uploadThroughput": 125_000}
    session.send("Network.emulateNetworkConditions", slow)
    open_page(page, appliance.url)
    expect(page.locator("[data-control=brightness]")).to_be_visible()
    canvas = page.locator("#live")
    shown = int(canvas.get_attribute("data-frames") or 0)
    slide(page, "brightness", 1.0)
    eventually(lambda: appliance.ask("GET", "api/controls").json["values"]["brightness"] == 100)
    expect(page.locator("[data-control=brightness] input[type=number]")).to_have_value("100")
    page.keyboard.press("r")
    expect(page.locator("#gallery [data-picture-id]")).to_have_count(1)
    eventually(lambda: int(canvas.get_attribute("data-frames") or 0) > shown + 5)
    expect(page.locator("#stage")).to_have_attribute("data-state", "live")


def test_without_scripts_the_page_shows_the_live_picture(
    browser: Browser, page: Page, appliance: RunningAppliance, eventually: Eventually
) -> None:
    plain = browser.new_page(java_script_enabled=False)
    try:
        plain.goto(appliance.url, wait_until="commit")
        eventually(lambda: appliance.state()["viewers"] == 1)
        expect(plain.locator("noscript img")).to_be_visible()
        for selector in ("#take-picture", "#live", "#privacy-switch", "#gallery", "#panel"):
            expect(plain.locator(selector)).to_be_hidden()
        plain.locator("noscript button").click()
        eventually(lambda: len(appliance.stored()) == 1)
        taken = plain.frame_locator("iframe[name=taken]").locator("img")
        expect(taken).to_be_visible()
        frame, picture = plain.locator("iframe[name=taken]").bounding_box(), taken.bounding_box()
        assert frame is not None
        assert picture is not None
        assert picture["width"] <= frame["width"], "only a corner of the picture is seen"
        assert plain.url == appliance.url
    finally:
        plain.close()


@pytest.fixture
def proxied(appliance: RunningAppliance) -> Iterator[str]:
    """The appliance behind a reverse proxy that serves it below /porch/ only."""
    target = appliance.url

    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if not self.path.startswith("/porch/"):
                self.send_error(404)
                return
            try:
                with urllib.request.urlopen(target + self.path.removeprefix("/porch/"), timeout=10) as answer:
                    self.send_response(answer.status)
                    for name in ("Content-Type", "Content-Security-Policy", "Content-Length"):
                        if value := answer.headers[name]:
                            self.send_header(name, value)
                    self.end_headers()
                    while chunk := answer.read1(65536):
                        self.wfile.write(chunk)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing of a browser that leaves."""

    with Server(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/porch/"
        server.shutdown()
        thread.join()


def test_the_page_works_below_a_path_of_a_reverse_proxy(page: Page, appliance: RunningAppliance, proxied: str) -> None:
    appliance.ask("POST", "api/pictures", {})
    open_page(page, proxied)
    thumbnail = page.locator("#gallery img")
    expect(thumbnail).to_have_count(1)
    assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.goto("about:blank")
