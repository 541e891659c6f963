"""The list of facts on the page follows the declarations of the appliance."""

import re
from dataclasses import replace
from itertools import pairwise

from playwright.sync_api import Page, expect

from appliance import web_modules
from appliance.declared import FACTS
from tests.running import RunningAppliance

RECORD_ROWS = """
  window.seen = [];
  new MutationObserver(() => {
    const rows = [...document.querySelectorAll("#state-line > div:not([hidden]) dt")].map((each) => each.textContent);
    if (document.documentElement.classList.contains("no-script") || !document.querySelector("#state-line")) return;
    if (JSON.stringify(rows) !== JSON.stringify(window.seen.at(-1))) window.seen.push(rows);
  }).observe(document, { subtree: true, childList: true, attributes: true });
"""
PRESENT = ["Camera", "Device", "Format", "Rate", "Frame age", "Viewers", "Skipped for slow viewers", "Corrupt frames"]
PRESENT += ["MQTT", "Pictures", "Running for", "Version"]


def labels(page: Page) -> list[str]:
    return page.locator("#state-line dt").all_text_contents()


def test_every_fact_with_a_label_is_listed_in_the_declared_order(page: Page, shared: RunningAppliance) -> None:
    page.goto(shared.url)
    expect(page.locator("[data-state=version]")).to_have_text(shared.state()["version"])
    declared = [fact.label for fact in FACTS if fact.label]
    assert [label for label in labels(page) if label != "Device"] == declared
    assert set(PRESENT) < set(labels(page))


def test_a_fact_that_gets_a_label_appears_formatted_by_its_kind_and_unit(page: Page, shared: RunningAppliance) -> None:
    """The page is as it is; only the module that `make docs` writes differs."""
    changes = {
        "frames.captured": {"label": "Captured frames"},
        "privacy": {"label": "Lens", "unit": "covered or open"},
        "time": {"label": "Clock"},
        "max_viewers": {"label": "Places", "unit": "seats"},
    }
    facts = [replace(fact, **changes.get(fact.path, {})) for fact in FACTS]  # type: ignore[arg-type]
    module = web_modules.facts(facts)
    page.route("**/web/facts.js", lambda route: route.fulfill(body=module, content_type="text/javascript"))
    page.goto(shared.url)
    value = {name: page.locator(f"#state-line [data-state={name}]") for name in ("captured", "privacy", "time")}
    expect(value["captured"]).to_have_text(re.compile(r"^[\d.,]+$"))
    expect(value["privacy"]).to_have_text("Open")
    expect(value["time"]).to_contain_text(re.compile(r"\d:\d\d:\d\d"))
    expect(page.locator("[data-state=max_viewers]")).to_have_text(f"{shared.state()['max_viewers']} seats")
    assert {"Captured frames", "Lens", "Clock", "Places"} < set(labels(page))


def test_the_list_is_complete_before_it_is_shown_and_loses_no_row(page: Page, shared: RunningAppliance) -> None:
    page.add_init_script(RECORD_ROWS)
    page.goto(shared.url)
    expect(page.locator("[data-state=version]")).to_have_text(shared.state()["version"])
    seen: list[list[str]] = page.evaluate("window.seen")
    assert set(seen[0]) == set(PRESENT), "the rows of unknown values come with their values"
    for before, after in pairwise(seen):
        assert set(before) <= set(after)
