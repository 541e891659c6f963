"""Measure the page in a real Chromium: `python -m benchmarks.page memory|paint|pictures`, figures on standard output.

- `memory [SECONDS]`: resident and proportional memory of the renderer, each 10 s, with the simulated camera at
  1280x720 and 30 frames a second.
- `paint`: bytes transferred and the first paint, with the network and the processor of a slow phone.
- `pictures [COUNT]`: opening and scrolling through a gallery of many pictures.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

SLOW_PHONE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""What Lighthouse calls a slow phone: 1.6 Mbit/s down, 0.75 up, 150 ms, and a processor four times slower."""
SLOWER_PROCESSOR = 4


def renderers(browser: Browser) -> list[int]:
    """Return the process ids of the browser's renderers, from the process table of Chromium."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return [each["id"] for each in processes if each["type"] == "renderer"]


def memory_of(pid: int) -> tuple[float, float]:
    """Return (resident, proportional) memory of a process, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    resident, proportional = (
        int(found[1]) if (found := re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)) else 0
        for name in ("Rss", "Pss")
    )
    return resident / 1000, proportional / 1000


@contextmanager
def page_of(browser: Browser, appliance: RunningAppliance, width: int = 1280, height: int = 800) -> Iterator[Page]:
    """Open the page and wait until it is live."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(appliance.url)
    page.wait_for_selector("#stage[data-mood=live]")
    yield page
    page.close()


def memory(browser: Browser, folder: Path, seconds: int = 600) -> None:
    """Print the memory of the tab every 10 s."""
    with (
        SimulatedCamera(folder / "camera") as camera,
        RunningAppliance(folder, "auto", camera.environment) as appliance,
        page_of(browser, appliance.until_live()) as page,
    ):
        began, readings = time.monotonic(), []
        while (elapsed := time.monotonic() - began) < seconds:
            page.wait_for_timeout(10_000)
            resident, proportional = max(memory_of(pid) for pid in renderers(browser))
            frames = page.locator("#live").get_attribute("data-frames")
            readings.append(resident)
            print(
                f"{elapsed + 10:5.0f} s  RSS {resident:6.1f} MB  PSS {proportional:6.1f} MB  {frames} frames",
                flush=True,
            )
        minutes = [statistics.mean(readings[at : at + 6]) for at in range(0, len(readings) - 5, 6)]
        print("RSS by minute, MB:", " ".join(f"{each:.0f}" for each in minutes))


def paint(browser: Browser, folder: Path, runs: int = 5) -> None:
    """Print the data transferred besides pictures, and the times of the first paint and the first picture."""
    with (
        SimulatedCamera(folder / "camera") as camera,
        RunningAppliance(folder, "auto", camera.environment) as appliance,
    ):
        appliance.until_live()
        for run in range(runs):
            page = browser.new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
            session = page.context.new_cdp_session(page)
            session.send("Network.enable")
            session.send("Network.emulateNetworkConditions", SLOW_PHONE)
            session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
            addresses: dict[str, str] = {}
            sizes: dict[str, float] = {}

            def asked(event: dict[str, Any], addresses: dict[str, str] = addresses) -> None:
                addresses[event["requestId"]] = event["request"]["url"].removeprefix(appliance.url)

            def came(event: dict[str, Any], sizes: dict[str, float] = sizes) -> None:
                sizes[event["requestId"]] = event["encodedDataLength"]

            session.on("Network.requestWillBeSent", asked)
            session.on("Network.loadingFinished", came)
            page.add_init_script(
                "addEventListener('DOMContentLoaded', () => {"
                " const live = document.querySelector('#live');"
                " new MutationObserver(() => window.seen ??= performance.now())"
                ".observe(live, { attributeFilter: ['data-frames'] }); });"
            )
            page.goto(appliance.url)
            page.wait_for_selector("#stage[data-mood=live]")
            page.wait_for_selector("[data-control=brightness]")
            first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            seen = page.evaluate("window.seen")
            ours = {addresses[id]: size for id, size in sizes.items() if not addresses[id].endswith(".jpg")}
            print(
                f"run {run + 1}: first contentful paint {first:.0f} ms, first frame {seen:.0f} ms, "
                f"{sum(ours.values()) / 1000:.1f} kB in {len(ours)} requests",
                flush=True,
            )
            page.close()


SCROLL = """async ({ step, most }) => {
  const album = document.querySelector("#album");
  album.scrollTop = 0;
  const gaps = [];
  let last = performance.now();
  let still = 0;
  while (still < 30 && gaps.length < most) {
    await new Promise(requestAnimationFrame);
    performance.mark("frame");
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    const before = album.scrollTop;
    album.scrollTop += step;
    const isEnd = album.scrollTop === before && document.querySelector("#album-more").hidden;
    still = isEnd ? still + 1 : 0;
  }
  return gaps;
}"""
IN_SIGHT = """() => [...document.querySelectorAll("#album img")]
  .filter((one) => { const { top, bottom } = one.getBoundingClientRect(); return bottom > 0 && top < innerHeight; })
  .every((one) => one.naturalWidth)"""


def shares(values: list[float]) -> str:
    """Return the median, the 95th percentile and the maximum of durations in milliseconds, as a text."""
    values = sorted(values)
    median, p95, longest = (values[int(share * (len(values) - 1))] for share in (0.5, 0.95, 1))
    return f"median {median:.1f} ms, p95 {p95:.1f}, longest {longest:.1f}"


def work(trace: bytes) -> list[float]:
    """Return the processor time of the page's main thread between each pair of marks, in milliseconds.

    Unlike the gaps between frames it does not grow with what else the machine does.
    """
    events = sorted(json.loads(trace)["traceEvents"], key=lambda event: event.get("ts", 0))
    marks = [event for event in events if event["name"] == "frame" and event["cat"] == "blink.user_timing"]
    thread = (marks[0]["pid"], marks[0]["tid"])
    tasks = [
        each
        for each in events
        if each["name"] == "ThreadControllerImpl::RunTask" and (each["pid"], each["tid"]) == thread
    ]
    spent = [0.0] * (len(marks) + 1)
    for task in tasks:
        spent[bisect([mark["ts"] for mark in marks], task["ts"])] += task.get("tdur", 0) / 1000
    return spent[1:-1]


def scroll(browser: Browser, page: Page, step: int, most: int) -> None:
    """Scroll the album from its beginning by a number of pixels per frame; print the smoothness and the cost."""
    browser.start_tracing(page=page, categories=["toplevel", "blink.user_timing"])
    gaps = page.evaluate(SCROLL, {"step": step, "most": most})
    spent = work(browser.stop_tracing())
    stopped = time.monotonic()
    page.wait_for_function(IN_SIGHT, timeout=60_000)
    print(
        f"{step} px a frame, {len(gaps)} frames: between frames {shares(gaps)}; "
        f"main thread {shares(spent)}; thumbnails in sight {time.monotonic() - stopped:.2f} s after the stop",
        flush=True,
    )


def print_memory(browser: Browser, page: Page) -> None:
    """Print the memory of the renderer and the number of pictures."""
    resident, proportional = max(memory_of(pid) for pid in renderers(browser))
    items, loaded = page.locator("#album li").count(), page.locator("#album img[src]").count()
    print(f"{items} items, {loaded} images: RSS {resident:.0f} MB, PSS {proportional:.0f} MB", flush=True)


def pictures(browser: Browser, folder: Path, count: int = 10_000) -> None:
    """Print the time to open an album of many pictures, and the smoothness of scrolling to its end."""
    with RunningAppliance(folder) as appliance:
        data = appliance.until_live().ask("GET", "/snapshot.jpg").body
        appliance.pictures.mkdir(exist_ok=True)
        began = datetime(2026, 1, 1, 6, 0)
        for number in range(1, count + 1):
            taken = began + timedelta(minutes=number * 37)
            (appliance.pictures / f"{number:06}_{taken:%Y-%m-%dT%H-%M-%S}.jpg").write_bytes(data)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        asked = time.monotonic()
        page.goto(appliance.url)
        page.wait_for_selector("#gallery li")
        print(f"{count} pictures: strip after {time.monotonic() - asked:.2f} s", flush=True)
        asked = time.monotonic()
        page.locator("#album-open").click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('#album img')].slice(0, 20).every((one) => one.naturalWidth)"
        )
        print(f"album with its thumbnails after {time.monotonic() - asked:.2f} s", flush=True)
        print_memory(browser, page)
        for step, most in ((960, 10_000), (960, 300), (240, 300), (60, 300), (20, 300)):
            scroll(browser, page, step, most)
        print_memory(browser, page)
        asked = time.monotonic()
        page.locator("#album-select").click()
        page.locator("#album-all").click()
        page.wait_for_function(f"() => document.querySelector('#album-chosen').textContent.startsWith('{count}')")
        print(f"all selected after {time.monotonic() - asked:.2f} s", flush=True)
        asked = time.monotonic()
        page.locator("#album-delete").click()
        page.wait_for_selector("#album .toast-act", timeout=120_000)
        print(f"all deleted after {time.monotonic() - asked:.2f} s", flush=True)
        asked = time.monotonic()
        page.locator("#album .toast-act").click()
        page.wait_for_function(
            f"() => document.querySelector('#album-count').textContent === '{count}'", timeout=120_000
        )
        print(f"all brought back after {time.monotonic() - asked:.2f} s", flush=True)
        page.close()
        print(f"load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as directory:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        globals()[sys.argv[1]](chromium, Path(directory), *map(int, sys.argv[2:]))
        chromium.close()
