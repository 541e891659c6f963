"""What pages of other origins can do in a real browser: rebinding, forged changes, shared reading, and proxies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.names import Names, serving, site
from tests.http.conftest import PASSWORD, VIEWER_TOKEN, quick_hash
from tests.proxies import Proxy, example
from tests.running import RunningAppliance, eventually

LOOPBACK, ELSEWHERE = "127.0.0.1", "127.0.0.2"
REBOUND = "rebind.attacker.example"
# Chromium asks people before pages of the internet reach the local network. Other browsers do not, and the appliance
# has to hold without it.
UNASKED = ["--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,HttpsUpgrades"]

# Each returns the status, or "blocked" where the browser does not let the page read an answer.
ASK = """async ([method, url, headers, body]) => {
  try {
    const response = await fetch(url, { method, headers, body, cache: "no-store" });
    return [response.status, await response.text()];
  } catch {
    return ["blocked", ""];
  }
}"""
WITH_CREDENTIALS = """async (url) => {
  const answer = await fetch(url, { credentials: "include" }).catch(() => ({ status: "blocked" }));
  return answer.status;
}"""
FRAMES = """async ([url, wanted]) => {
  const reader = (await fetch(url)).body.getReader();
  let text = "";
  const decoder = new TextDecoder("latin1");
  while (text.split("Content-Type: image/jpeg").length <= wanted) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value);
  }
  await reader.cancel();
  return text.split("Content-Type: image/jpeg").length - 1;
}"""
FORM = """([action, name]) => {
  const frame = document.createElement("iframe");
  frame.name = name;
  const form = document.createElement("form");
  Object.assign(form, { action, method: "post", enctype: "text/plain", target: name });
  document.body.append(frame, form);
  return new Promise((done) => { frame.addEventListener("load", () => done(true)); form.submit(); });
}"""
JSON, MARK = {"Content-Type": "application/json"}, {"X-Camera-Appliance": "page"}


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    """Where the browser finds its names."""
    names = Names()
    with serving(names):
        yield names


@pytest.fixture(scope="module")
def named_browser(browser: Browser, names: Names) -> Iterator[Browser]:
    """A browser that asks `names` for every connection."""
    arguments = [*ARGUMENTS, *UNASKED, *names.arguments]
    named = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
    yield named
    named.close()


@pytest.fixture
def stranger(named_browser: Browser, names: Names) -> Iterator[Page]:
    """A page that may log errors: each refusal is one."""
    names.addresses.clear()
    names.addresses.update({LOOPBACK: LOOPBACK, ELSEWHERE: ELSEWHERE})
    page = named_browser.new_page()
    page.set_default_timeout(20_000)
    yield page
    page.close()


def ask(page: Page, method: str, url: str, headers: dict[str, str] | None = None, body: str | None = None) -> Any:
    """Let the page's script send a request; return status and text."""
    status, text = page.evaluate(ASK, [method, url, headers or {}, body])
    return status, text


def attack_by_rebinding(page: Page, names: Names, port: int) -> list[Any]:
    """Open a page of an attacker, then let its name be the appliance's; return what its script gets from there."""
    names.addresses[REBOUND] = ELSEWHERE
    with serving(site(ELSEWHERE, port)):
        page.goto(f"http://{REBOUND}:{port}/")
        assert page.title() == "Stranger"
    names.addresses[REBOUND] = LOOPBACK
    return [
        ask(page, "GET", "/api/state")[0],
        ask(page, "GET", "/snapshot.jpg")[0],
        ask(page, "PUT", "/api/privacy", JSON | MARK, '{"on": true}')[0],
        ask(page, "POST", "/api/pictures", MARK)[0],
    ]


def test_a_page_whose_name_is_rebound_reads_and_changes_nothing(
    stranger: Page, names: Names, running: RunningAppliance
) -> None:
    assert attack_by_rebinding(stranger, names, running.port) == [421, 421, 421, 421]
    assert running.state()["privacy"] is False
    assert running.stored() == []


def test_the_attack_by_rebinding_would_work_on_a_name_that_is_allowed(
    stranger: Page, names: Names, tmp_path: Path
) -> None:
    """Without this the test above could pass because the attack is none."""
    with RunningAppliance(tmp_path, settings={"http.allowed_hosts": REBOUND}) as appliance:
        appliance.until_live()
        assert attack_by_rebinding(stranger, names, appliance.port) == [200, 200, 200, 409]
        assert appliance.state()["privacy"] is True


def test_a_rebound_name_changes_nothing_behind_a_proxy_that_hides_it(
    stranger: Page, names: Names, running: RunningAppliance, tmp_path: Path
) -> None:
    """Such a proxy answers to every name, so reading is up to the proxy; see docs/proxies.md."""
    with Proxy("nginx", tmp_path, "location / { proxy_pass http://camera_backend; }", running.port) as proxy:
        assert attack_by_rebinding(stranger, names, proxy.port)[2:] == [403, 403]
    assert running.state()["privacy"] is False
    assert running.stored() == []


@pytest.mark.parametrize("host", [LOOPBACK, "pi.local", "cam.lan", "cam", "my_cam.fritz.box"])
def test_by_an_address_or_a_local_name_the_page_works(
    stranger: Page, names: Names, running: RunningAppliance, host: str
) -> None:
    names.addresses[host] = LOOPBACK
    stranger.goto(f"http://{host}:{running.port}/")
    expect(stranger.locator("#stage")).to_have_attribute("data-state", "live")
    stranger.locator("#privacy-switch").click()
    eventually(lambda: running.state()["privacy"], "privacy")


@pytest.mark.parametrize("host", [ELSEWHERE, "evil.lan", "evil.attacker.example", "other.pi.local"])
def test_a_page_of_another_site_reads_and_changes_nothing(
    stranger: Page, names: Names, running: RunningAppliance, host: str
) -> None:
    names.addresses.update({host: ELSEWHERE, "pi.local": LOOPBACK})
    ours = f"http://pi.local:{running.port}"
    with serving(site(ELSEWHERE, running.port)):
        stranger.goto(f"http://{host}:{running.port}/")
        for path in ("/api/state", "/snapshot.jpg", "/stream.mjpg", "/api/access"):
            assert ask(stranger, "GET", ours + path)[0] == "blocked"
        for headers in ({}, JSON, MARK, JSON | MARK):
            for method, path, body in (("PUT", "/api/privacy", '{"on": true}'), ("POST", "/api/pictures", None)):
                assert ask(stranger, method, ours + path, headers, body)[0] == "blocked"
                # A redirect that keeps method and headers, from the site's own address to ours.
                assert ask(stranger, method, f"/redirect?{ours}{path}", headers, body)[0] == "blocked"
        for path in ("/api/pictures", "/take-picture", "/logout"):
            assert stranger.evaluate(FORM, [ours + path, path])
            assert stranger.evaluate(f"navigator.sendBeacon('{ours}{path}', 'x')")
    assert running.state()["privacy"] is False
    assert running.stored() == []


def test_every_page_may_fetch_the_stream_where_the_setting_says_so(
    stranger: Page, names: Names, tmp_path: Path
) -> None:
    environment = {
        "CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD),
        "CAMERA_APPLIANCE_HTTP_VIEWER_TOKEN": VIEWER_TOKEN,
    }
    names.addresses.update({"mainsail.local": ELSEWHERE, "pi.local": LOOPBACK})
    with RunningAppliance(tmp_path, "test-pattern", environment, {"http.cors_origins": "*"}) as appliance:
        eventually(lambda: appliance.ask("GET", "/healthz").status == 200, "a live camera")
        ours, token = f"http://pi.local:{appliance.port}", {"Authorization": f"Bearer {VIEWER_TOKEN}"}
        with serving(site(ELSEWHERE, appliance.port)):
            stranger.goto(f"http://mainsail.local:{appliance.port}/")
            assert stranger.evaluate(FRAMES, [f"{ours}/stream.mjpg?token={VIEWER_TOKEN}", 3]) >= 3
            assert ask(stranger, "GET", f"{ours}/api/state", token)[0] == 200
            assert ask(stranger, "GET", f"{ours}/snapshot.jpg")[0] == 401
            assert ask(stranger, "GET", f"{ours}/api/nothing", token)[0] == 404
            for headers in (token, JSON, MARK):
                assert ask(stranger, "PUT", f"{ours}/api/privacy", headers, '{"on": true}')[0] == "blocked"


def test_a_session_is_shared_with_no_other_page(stranger: Page, names: Names, tmp_path: Path) -> None:
    """A page on another port of the same name is the same site to cookies, so the browser sends the session along."""
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD)}
    names.addresses["pi.local"] = LOOPBACK
    with RunningAppliance(tmp_path, "test-pattern", environment, {"http.cors_origins": "*"}) as appliance:
        ours = f"http://pi.local:{appliance.port}"
        stranger.goto(ours)
        stranger.get_by_label("Password").fill(PASSWORD)
        stranger.get_by_role("button", name="Log in").click()
        expect(stranger.locator("#access")).to_contain_text("admin")
        other = site(LOOPBACK, 0)
        with serving(other):
            stranger.goto(f"http://pi.local:{other.server_address[1]}/")
            assert stranger.evaluate(WITH_CREDENTIALS, f"{ours}/api/state") == "blocked"
            assert ask(stranger, "GET", f"{ours}/api/state")[0] == 401
            assert stranger.evaluate(FORM, [f"{ours}/api/pictures", "pictures"])
        assert appliance.stored() == []


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("", "location / { proxy_pass http://camera_backend; }"),
        ("", "location / { proxy_pass http://camera_backend; proxy_set_header Host $host; }"),
        ("door/", "location /door/ { proxy_pass http://camera_backend/; }"),
        ("door/", example("nginx")),
    ],
    ids=["default", "$host", "below a path", "documented"],
)
def test_the_page_works_behind_nginx_over_plain_http(
    stranger: Page, names: Names, tmp_path: Path, path: str, block: str
) -> None:
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": quick_hash(PASSWORD)}
    names.addresses["cam.lan"] = LOOPBACK
    settings = {"http.trusted_proxies": LOOPBACK}
    with (
        RunningAppliance(tmp_path / "appliance", "test-pattern", environment, settings) as appliance,
        Proxy("nginx", tmp_path, block, appliance.port) as proxy,
    ):
        page = f"http://cam.lan:{proxy.port}/{path}"
        stranger.goto(page)
        stranger.get_by_label("Password").fill(PASSWORD)
        stranger.get_by_role("button", name="Log in").click()
        expect(stranger.locator("#stage")).to_have_attribute("data-state", "live")
        assert stranger.evaluate("isSecureContext") is False  # so the browser sends no Sec-Fetch-Site
        stranger.locator("#take-picture").click()
        thumbnail = stranger.locator("#gallery img").first
        expect(thumbnail).to_be_visible()
        stranger.wait_for_function("() => document.querySelector('#gallery img')?.naturalWidth > 0")
        assert len(appliance.stored()) == 1
        stranger.reload()
        expect(thumbnail).to_be_visible()
        stranger.wait_for_function("() => document.querySelector('#gallery img')?.naturalWidth > 0")
        stranger.locator("#privacy-switch").click()
        expect(stranger.locator("#stage")).to_have_attribute("data-mood", "private")
        stranger.get_by_role("button", name="Log out").click()
        expect(stranger.get_by_role("heading", name="Log in")).to_be_visible()
        assert stranger.url == f"{page}login"
        # Other pages that the proxy serves are another origin, or another path of this one; strangers are refused.
        with serving(site(ELSEWHERE, proxy.port)):
            names.addresses["evil.lan"] = ELSEWHERE
            stranger.goto(f"http://evil.lan:{proxy.port}/")
            assert ask(stranger, "PUT", f"{page}api/privacy", JSON | MARK, '{"on": false}')[0] == "blocked"
