"""Measure the page in a real Chromium: `python -m benchmarks.page memory|paint|pictures`, figures on standard output.

- `memory [SECONDS]`: resident and proportional memory of the renderer, each 10 s, with the simulated camera at
  1280x720 and 30 frames a second.
- `paint`: bytes transferred and the first paint, with the network and the processor of a slow phone.
- `pictures [COUNT]`: opening and scrolling through a gallery of many pictures.
"""

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

SLOW_PHONE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""What Lighthouse calls a slow phone: 1.6 Mbit/s down, 0.75 up, 150 ms, and a processor four times slower."""
SLOWER_PROCESSOR = 4


def renderers(browser: Browser) -> list[int]:
    """Return the process ids of the renderers that our browser has, by the process table of Chromium."""
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


if __name__ == "__main__":
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as directory:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        globals()[sys.argv[1]](chromium, Path(directory), *map(int, sys.argv[2:]))
        chromium.close()
