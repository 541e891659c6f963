"""The files of the page: packed, revalidated, and nothing else than them."""

import gzip
import re
from pathlib import Path

import pytest

from tests.running import RunningAppliance

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("web/styles/live.css", "text/css; charset=utf-8"),
        ("web/app.js", "text/javascript; charset=utf-8"),
        ("web/icons/live.svg", "image/svg+xml"),
        ("web/icons/icon-192.png", "image/png"),
    ],
)
def test_a_file_is_packed_for_who_takes_it_and_not_sent_again(
    shared: RunningAppliance, path: str, media_type: str
) -> None:
    plain = shared.ask("GET", path)
    assert plain.headers["Content-Type"] == media_type
    assert plain.headers["Content-Encoding"] is None
    assert plain.body == (WEB / (path.removeprefix("web/") or "index.html")).read_bytes()
    packed = shared.ask("GET", path, headers={"Accept-Encoding": "gzip, deflate"})
    if packed.headers["Content-Encoding"] == "gzip":
        assert gzip.decompress(packed.body) == plain.body
        assert packed.headers["ETag"] != plain.headers["ETag"]
    else:
        assert media_type == "image/png"
    assert packed.headers["Vary"] == "Accept-Encoding"
    for answer, accepted in ((plain, "identity"), (packed, "gzip")):
        headers = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": accepted}
        again = shared.ask("GET", path, headers=headers)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0"])
def test_nothing_is_packed_for_who_does_not_take_it(shared: RunningAppliance, accepted: str) -> None:
    answer = shared.ask("GET", "web/app.js", headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] is None
    assert answer.body == (WEB / "app.js").read_bytes()


@pytest.mark.parametrize("path", ["..", "../setup.py", "%2e%2e/setup.py", "/etc/passwd", "", "vendor", "app.js/", "x"])
def test_names_other_than_files_of_the_page_are_not_found(shared: RunningAppliance, path: str) -> None:
    answer = shared.ask("GET", f"web/{path}")
    assert answer.status == 404
    assert answer.error[0] == "not_found"


def test_the_manifest_has_the_name_of_the_camera_and_icons_that_are_there(shared: RunningAppliance) -> None:
    answer = shared.ask("GET", "manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest = answer.json
    assert manifest["name"] == manifest["short_name"] == shared.state()["name"]
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
    assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
    for icon in manifest["icons"]:
        data = shared.ask("GET", icon["src"]).body
        if icon["type"] == "image/png":
            size = "x".join(str(int.from_bytes(data[at : at + 4], "big")) for at in (16, 20))  # PNG's IHDR
            assert icon["sizes"] == size


def test_every_part_of_the_page_is_asked_for_at_once() -> None:
    """What imports name is known only after they have come: each step costs a round trip."""
    page = (WEB / "index.html").read_text(encoding="utf-8")
    modules = {f"web/{path.relative_to(WEB)}" for path in WEB.rglob("*.js")}
    modules -= {"web/app.js", "web/login.js", "web/types.js"}
    assert sorted(re.findall(r'rel="modulepreload" href="([^"]+)"', page)) == sorted(modules)


def test_the_style_sheet_comes_with_all_that_it_imports(shared: RunningAppliance) -> None:
    style = shared.ask("GET", "web/style.css").body
    for path in [*(WEB / "styles").glob("*.css"), WEB / "vendor/pico/pico.min.css"]:
        assert path.read_bytes().removeprefix(b'@charset "UTF-8";') in style
    assert b"@layer pico {" in style
    assert b"@import" not in style
