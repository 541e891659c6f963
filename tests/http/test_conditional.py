"""Conditional and partial requests for stored pictures, as RFC 9110 has them."""

import re
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest

from tests.running import Answer, RunningAppliance

TAG = re.compile(r'(W/)?"[\x21\x23-\x7e]*"')  # RFC 9110, 8.8.3


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance with one picture."""
    with RunningAppliance(tmp_path_factory.mktemp("conditional")) as appliance:
        appliance.until_live().ask("POST", "/api/pictures")
        yield appliance


@pytest.fixture(scope="module")
def picture(appliance: RunningAppliance) -> Answer:
    return appliance.ask("GET", "/api/pictures/1.jpg")


def test_every_entity_tag_is_quoted(appliance: RunningAppliance) -> None:
    for path in (
        "/api/pictures/1.jpg",
        "/api/pictures/1/thumbnail.jpg",
        "/",
        "/web/style.css",
        "/manifest.webmanifest",
    ):
        for accepted in ("identity", "gzip"):
            tag = appliance.ask("GET", path, headers={"Accept-Encoding": accepted}).headers["ETag"]
            assert TAG.fullmatch(tag), (path, tag)


@pytest.mark.parametrize("path", ["/api/pictures/1.jpg", "/api/pictures/1/thumbnail.jpg", "/web/style.css"])
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{}", 304),
        ("W/{}", 304),
        ('"other", {}', 304),
        ('"other",W/{} , "third"', 304),
        ('"with, comma",{}', 304),
        ("*", 304),
        ('"other"', 200),
        ('W/"other", "third"', 200),
        ("other", 200),
        ('"', 200),
        ("\xff", 200),
    ],
)
def test_an_unchanged_picture_is_not_sent_again(appliance: RunningAppliance, path: str, form: str, status: int) -> None:
    tag = appliance.ask("GET", path).headers["ETag"]
    for method in ("GET", "HEAD"):
        answer = appliance.ask(method, path, headers={"If-None-Match": form.format(tag)})
        assert answer.status == status
        assert answer.headers["ETag"] == tag
        assert (answer.body == b"") == (status == 304 or method == "HEAD")


def test_a_date_counts_only_without_a_tag(appliance: RunningAppliance, picture: Answer) -> None:
    modified = picture.headers["Last-Modified"]
    before = formatdate(parsedate_to_datetime(modified).timestamp() - 1, usegmt=True)
    for headers, status in (
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": before}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Fri, 99 Foo 99999999 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": modified, "If-None-Match": '"other"'}, 200),
    ):
        assert appliance.ask("GET", "/api/pictures/1.jpg", headers=headers).status == status, headers


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, -1),
        ("bytes=100-199", 100, 199),
        ("bytes=100-", 100, -1),
        ("bytes=100-99999999999999999999", 100, -1),
        ("bytes=-1", -1, -1),
        ("bytes=-500", -500, -1),
        ("bytes=-99999999999999999999", 0, -1),
        ("Bytes = 5 - 9", 5, 9),
    ],
)
def test_a_part_of_a_picture_is_that_part(
    appliance: RunningAppliance, picture: Answer, wanted: str, first: int, last: int
) -> None:
    size = len(picture.body)
    start, end = first % size if first < 0 else first, last % size if last < 0 else last
    answer = appliance.ask("GET", "/api/pictures/1.jpg", headers={"Range": wanted})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{size}"
    assert answer.body == picture.body[start : end + 1]
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["ETag"] == picture.headers["ETag"]
    head = appliance.ask("HEAD", "/api/pictures/1.jpg", headers={"Range": wanted})
    assert (head.status, int(head.headers["Content-Length"])) == (200, size), "ranges are for GET alone"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=99999999-99999999999999999999", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(
    appliance: RunningAppliance, picture: Answer, wanted: str
) -> None:
    answer = appliance.ask("GET", "/api/pictures/1.jpg", headers={"Range": wanted})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(picture.body)}"
    assert answer.error[0] == "invalid_request"


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "x", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=--5", "bytes=5", "bytes=+1-5"),
        *("lines=1-5", "bytes=0-1,5-9", "bytes=0-0,-1", "bytes=0-1,", "bytes=1-2-3", "bytes=\xb2-5", "\xff"),
    ],
)
def test_several_ranges_and_senseless_ones_get_the_whole(
    appliance: RunningAppliance, picture: Answer, wanted: str
) -> None:
    answer = appliance.ask("GET", "/api/pictures/1.jpg", headers={"Range": wanted})
    assert (answer.status, answer.body) == (200, picture.body)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Range"] is None


def test_a_part_is_sent_only_to_a_client_that_has_the_rest_of_this_version(
    appliance: RunningAppliance, picture: Answer
) -> None:
    tag, modified = picture.headers["ETag"], picture.headers["Last-Modified"]
    for condition, status in (
        (tag, 206),
        (modified, 206),
        ('"other"', 200),
        (f"W/{tag}", 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("nonsense", 200),
    ):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert appliance.ask("GET", "/api/pictures/1.jpg", headers=headers).status == status, condition
    both = {"Range": "bytes=0-9", "If-None-Match": tag}
    assert appliance.ask("GET", "/api/pictures/1.jpg", headers=both).status == 304


def test_a_picture_can_be_saved_under_its_name(appliance: RunningAppliance, picture: Answer) -> None:
    (file,) = Path(appliance.pictures).glob("*.jpg")
    answer = appliance.ask("GET", "/api/pictures/1.jpg?download")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{file.name}"'
    assert picture.headers["Content-Disposition"] is None
    assert "immutable" in picture.headers["Cache-Control"]
    assert answer.body == picture.body == file.read_bytes()
