"""The grammar of the topics, and the name under which the broker knows us."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mqtt.connection import client_id
from appliance.mqtt.topics import AVAILABILITY, CAMERA, CONTROLS, PICTURE, PICTURE_INFO, STATE, Topic, Topics
from appliance.mqtt.topics import TOPICS as DECLARED

TOPICS = Topics("home/cameras", "door")
NAMES = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
NO_NAMES = ["", "A", "Brightness", "a-b", "a b", "a/b", "a\n", "\n", "ä", "１", "+", "#", "$", "a" * 65]


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (TOPICS.of(AVAILABILITY), "home/cameras/door/availability"),
        (TOPICS.of(CAMERA), "home/cameras/door/camera"),
        (TOPICS.of(STATE), "home/cameras/door/state"),
        (TOPICS.of(CONTROLS), "home/cameras/door/controls"),
        (TOPICS.of(PICTURE), "home/cameras/door/picture"),
        (TOPICS.of(PICTURE_INFO), "home/cameras/door/picture/info"),
        (TOPICS.response("take_picture"), "home/cameras/door/response/take_picture"),
    ],
)
def test_topics_are_named_as_documented(topic: str, expected: str) -> None:
    assert topic == expected


@given(NAMES)
def test_a_command_topic_gives_that_command_and_nothing_else(name: str) -> None:
    topic = f"{TOPICS.root}/command/{name}"
    assert TOPICS.command(topic) == name
    assert TOPICS.control(topic) is None
    assert not TOPICS.is_controls(topic)


@given(NAMES)
def test_a_control_topic_sets_that_control_and_nothing_else(name: str) -> None:
    topic = f"{TOPICS.root}/controls/{name}/set"
    assert TOPICS.control(topic) == name
    assert TOPICS.command(topic) is None
    assert not TOPICS.is_controls(topic)


def test_the_topic_of_all_controls_is_not_the_topic_of_one() -> None:
    topic = f"{TOPICS.root}/controls/set"
    assert TOPICS.is_controls(topic)
    assert TOPICS.control(topic) is None
    assert TOPICS.command(topic) is None


def test_a_control_may_be_called_set() -> None:
    assert TOPICS.control(f"{TOPICS.root}/controls/set/set") == "set"


@pytest.mark.parametrize("name", NO_NAMES)
def test_invalid_names_give_no_command_and_no_control(name: str) -> None:
    assert TOPICS.command(f"{TOPICS.root}/command/{name}") is None
    assert TOPICS.control(f"{TOPICS.root}/controls/{name}/set") is None


@given(st.one_of(st.text(), st.text().map(lambda rest: f"{TOPICS.root}/{rest}")))
def test_any_text_can_be_asked_about(topic: str) -> None:
    meanings = [TOPICS.command(topic), TOPICS.control(topic), "controls" if TOPICS.is_controls(topic) else None]
    assert len([meaning for meaning in meanings if meaning]) <= 1
    if any(meanings):
        assert TOPICS.is_own(topic)


@given(st.text(max_size=30))
def test_nothing_of_another_camera_is_meant_for_us(rest: str) -> None:
    for root in ("home/cameras/door2", "home/cameras", "home/cameras/Door", "/home/cameras/door", "door"):
        for topic in (f"{root}/command/get_state", f"{root}/controls/set", f"{root}/{rest}"):
            if not topic.startswith(f"{TOPICS.root}/"):
                assert (TOPICS.command(topic), TOPICS.control(topic), TOPICS.is_controls(topic)) == (None, None, False)


@pytest.mark.parametrize("topic", DECLARED, ids=lambda topic: topic.path)
def test_answers_on_our_topics_are_allowed_only_below_response(topic: Topic) -> None:
    is_response = topic.path.startswith("response/")
    assert TOPICS.is_own(TOPICS.of(topic.path)) is not is_response


@pytest.mark.parametrize("topic", [each for each in DECLARED if not each.received], ids=lambda topic: topic.path)
def test_we_never_listen_to_what_we_publish(topic: Topic) -> None:
    patterns = [re.compile(each.replace("+", "[^/]+")) for each in TOPICS.subscriptions]
    assert not any(pattern.fullmatch(TOPICS.of(topic.path)) for pattern in patterns)


def test_the_client_id_survives_a_restart_and_differs_between_cameras(tmp_path: Path) -> None:
    machine = tmp_path / "machine-id"
    machine.write_text("0123456789abcdef" * 2 + "\n")
    assert client_id("door", "home", machine) == client_id("door", "home", machine)
    assert client_id("door", "home", machine) != client_id("hall", "home", machine)
    assert client_id("door", "home", machine) != client_id("door", "away", machine)


@pytest.mark.parametrize("content", ["", "\n", "uninitialized\n", "ä"])
def test_without_an_identity_of_the_machine_no_two_client_ids_are_the_same(tmp_path: Path, content: str) -> None:
    """In the image of a container the file is often there, and empty: all containers would have the same."""
    machine = tmp_path / "machine-id"
    machine.write_text(content)
    assert client_id("door", "home", machine) != client_id("door", "home", machine)
    assert client_id("door", "home", tmp_path / "missing") != client_id("door", "home", tmp_path / "missing")
