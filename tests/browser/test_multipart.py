"""The reader of the stream, in the browser, with the bytes cut in every awkward place."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

MODULE = Path(__file__).parents[2] / "web" / "live" / "multipart.js"

READ = """async ({ text, cuts, boundary }) => {
  const { MultipartParser } = await import("/multipart.js");
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const parts = [];
  const parser = new MultipartParser(boundary, ({ headers, pieces, size }) => {
    const body = pieces.map((piece) => String.fromCharCode(...piece)).join("");
    parts.push({ headers: Object.fromEntries(headers), body, size });
  });
  try {
    for (let at = 0, next; at < bytes.length; at = next) {
      next = Math.min(bytes.length, at + (cuts === "by one" ? 1 : cuts.find((cut) => cut > at) - at || bytes.length));
      parser.push(bytes.subarray(at, next));
    }
  } catch (error) {
    return { parts, error: error.message };
  }
  return { parts, error: null };
}"""

BODIES = ["\xff\xd8first\xff\xd9", "\xff\xd8--frame\r\n\r\nContent-Length: 3\r\n--frame--\xff\xd9", "", "\r\n\r\n"]


def part(body: str, number: int) -> str:
    headers = f"Content-Type: image/jpeg\r\nContent-Length: {len(body)}\r\nX-Timestamp: {number}.5\r\nX-Live: 1"
    return f"{headers}\r\n\r\n{body}\r\n--frame\r\n"


TEXT = "--frame\r\n" + "".join(part(body, number) for number, body in enumerate(BODIES))


def read(page: Page, text: str, cuts: list[int] | str, boundary: str = "frame") -> Any:
    return page.evaluate(READ, {"text": text, "cuts": cuts, "boundary": boundary})


@pytest.fixture
def module_page(page: Page) -> Page:
    """A page that has the module and nothing else, without any server."""
    page.route("http://reader.test/", lambda route: route.fulfill(content_type="text/html", body="<p>empty</p>"))
    page.route("http://reader.test/multipart.js", lambda route: route.fulfill(path=MODULE))
    page.goto("http://reader.test/")
    return page


def test_every_single_cut_gives_the_same_parts(module_page: Page) -> None:
    whole = read(module_page, TEXT, [])
    assert whole["error"] is None
    assert [one["body"] for one in whole["parts"]] == BODIES
    assert [one["size"] for one in whole["parts"]] == [len(body) for body in BODIES]
    assert [one["headers"]["x-timestamp"] for one in whole["parts"]] == ["0.5", "1.5", "2.5", "3.5"]
    assert all(read(module_page, TEXT, [cut]) == whole for cut in range(1, len(TEXT)))


def test_bytes_that_come_one_by_one_give_the_same_parts(module_page: Page) -> None:
    assert read(module_page, TEXT, "by one") == read(module_page, TEXT, [])


def test_a_part_counts_only_when_it_is_complete(module_page: Page) -> None:
    text = "--frame\r\nContent-Length: 5\r\n\r\n1234"
    assert read(module_page, text, [3, 20])["parts"] == []
    assert read(module_page, text + "5", [3, 20])["parts"][0]["body"] == "12345"


def test_a_preamble_and_bare_line_feeds_are_understood(module_page: Page) -> None:
    text = "hello\n\n--frame\ncontent-length:2\n\nok\n--frame--\n--frame\nContent-Length: 1\n\nx"
    assert [one["body"] for one in read(module_page, text, "by one")["parts"]] == ["ok"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("--frame\r\nContent-Type: image/jpeg\r\n\r\n", "Content-Length"),
        ("--frame\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        ("x" * 9000, "no end"),
        ("--frame\r\nX-Long: " + "x" * 9000, "no end"),
    ],
)
def test_what_is_no_stream_of_parts_is_refused(module_page: Page, text: str, problem: str) -> None:
    assert problem in read(module_page, text, [10, 4000])["error"]
    assert problem in read(module_page, text, "by one")["error"]
