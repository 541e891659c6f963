"""Where a stream cannot be read by `fetch`, an `<img>` shows it."""

from pathlib import Path

import pytest

from tests.browsers.browser import Browser
from tests.browsers.nginx import Nginx, before_scripts
from tests.browsers.page import until_mood
from tests.browsers.test_embedding import until_it_moves
from tests.running import RunningAppliance, eventually

# What a browser may do with an answer that has no end, by what its `fetch` then is.
REPLACEMENTS = {
    "refuses": "() => Promise.reject(new TypeError(`Load failed`))",
    "hides the body": "async (...all) => { const { ok, status, headers } = await fetched(...all);"
    " return { ok, status, headers, body: null }; }",
    "breaks the body off": "async (...all) => { const answer = await fetched(...all); await answer.body.cancel();"
    " return new Response(new ReadableStream({ pull(it) { it.error(new TypeError(`Load failed`)); } }), answer); }",
}
SCRIPT = """
  const fetched = window.fetch.bind(window);
  const replacement = {replacement};
  window.fetch = (...all) => (String(all[0]?.url ?? all[0]).includes("stream") ? replacement(...all) : fetched(...all));
"""
IMAGE = "#live-image"


@pytest.mark.parametrize("replacement", REPLACEMENTS.values(), ids=REPLACEMENTS.keys())
def test_the_picture_moves(browser: Browser, appliance: RunningAppliance, replacement: str, tmp_path: Path) -> None:
    script = SCRIPT.replace("{replacement}", replacement)
    with Nginx(tmp_path / "nginx", appliance, "/", before_scripts(script)) as nginx:
        browser.open(nginx.url)
        browser.until("(image) => document.querySelector(image)?.naturalWidth > 0", IMAGE)
        until_it_moves(browser, IMAGE)
        until_mood(browser, "live")
        eventually(lambda: appliance.state()["viewers"] == 1, "one viewer")
        browser.leave()
        eventually(lambda: appliance.state()["viewers"] == 0, "no viewer")


def test_the_picture_comes_back_after_a_restart(browser: Browser, appliance: RunningAppliance, tmp_path: Path) -> None:
    script = SCRIPT.replace("{replacement}", REPLACEMENTS["refuses"])
    with Nginx(tmp_path / "nginx", appliance, "/", before_scripts(script)) as nginx:
        browser.open(nginx.url)
        browser.until("(image) => document.querySelector(image)?.naturalWidth > 0", IMAGE)
        until_mood(browser, "live")
        appliance.stop()
        appliance.start()
        appliance.until_live()
        until_it_moves(browser, IMAGE)
        until_mood(browser, "live")
        eventually(lambda: appliance.state()["viewers"] == 1, "one viewer")
        browser.leave()
