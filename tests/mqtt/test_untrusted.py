"""Whatever a client of the broker publishes gets exactly one answer, or none where it names no command."""

import json
import re
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.declared import COMMANDS
from appliance.documentation import documents
from tests.mqtt.broker import Broker
from tests.mqtt.client import ROOT, Client
from tests.running import RunningAppliance

DECLARED = COMMANDS
CODES = set(re.findall(r"^\| `(\w+)` +\| (?:\d{3}|-) ", documents()["docs/commands.md"], re.MULTILINE)) | {"busy"}
ARGUMENTS = sorted(
    {parameter.name for each in DECLARED for parameter in each.parameters} | {"transaction", "brightness"}
)
LIMIT = 65536  # bytes

# What is no control character: a broker throws those out, with who sent them.
WORD = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="+#$"), max_size=20)
NAME = st.sampled_from([each.name for each in DECLARED]) | st.from_regex(r"[a-z0-9_]{1,70}", fullmatch=True) | WORD
TOPIC = (
    NAME.map("command/{}".format)
    | st.sampled_from(["brightness", "contrast", "nothing"]).map("controls/{}/set".format)
    | NAME.map("controls/{}/set".format)
    | st.sampled_from(["controls/set", "privacy/set", "state", "response/get_state", "command", "command/get_state/x"])
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)
OBJECT = st.dictionaries(st.sampled_from(ARGUMENTS) | st.text(max_size=10), VALUE, max_size=4)
PAYLOAD = (
    OBJECT.map(json.dumps).map(str.encode)
    | VALUE.map(json.dumps).map(str.encode)
    | st.binary(max_size=80)
    | st.sampled_from(["60", "on", "OFF", "", " ", "NaN", "1e999", "[" * 60_000, '{"a":' * 9000, "9" * 5000]).map(
        str.encode
    )
    | st.sampled_from([b"\xff\xfe", b'{"transaction": "\xed\xa0\x80"}', b"x" * (LIMIT + 1), b" " * LIMIT])
)


def is_ours(topic: str) -> bool:
    """Return whether a message there has to be answered."""
    return bool(re.fullmatch(r"command/[a-z0-9_]{1,64}|controls/[a-z0-9_]{1,64}/set|controls/set|privacy/set", topic))


class Stranger:
    """Publishes one message after the other, each followed by one that is known to be answered."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent = 0
        self.outcomes: Counter[str] = Counter()

    def send(self, topic: str, payload: bytes) -> list[dict[str, Any]]:
        """Return the answers to a message: all that there will be."""
        mark = self._client.mark
        self._sent += 1
        own, known = f"{self._sent}-own".encode(), f"{self._sent}-known".encode()
        self._client.publish(topic, payload, response_topic="answers/own", correlation=own)
        self._client.publish(
            "command/get_picture", b'{"id": 999999}', response_topic=f"{ROOT}/response/known", correlation=known
        )
        self._client.wait_for("response/known", lambda message: message.correlation == known, after=mark)
        heard = [each for each in self._client.messages[mark:] if each.topic == "answers/own"]
        assert all(each.correlation == own for each in heard)
        assert not any(each.retain for each in heard)
        return [each.json for each in heard]


def check(answer: dict[str, Any], payload: bytes) -> str:
    """Fail unless the answer is as documented; return its code."""
    assert set(answer) - {"transaction"} == ({"ok", "result"} if answer["ok"] else {"ok", "error"})
    if "transaction" in answer:
        assert b"transaction" in payload
    if answer["ok"]:
        return "ok"
    assert set(answer["error"]) == {"code", "message"}
    assert answer["error"]["message"]
    assert answer["error"]["code"] in CODES
    code: str = answer["error"]["code"]
    return code


def test_every_message_gets_exactly_one_answer_or_names_no_command(
    appliance: RunningAppliance, client: Client, broker: Broker
) -> None:
    stranger = Stranger(client)

    @given(TOPIC, PAYLOAD)
    @settings(max_examples=120, deadline=None, derandomize=True, database=None)
    def try_one(topic: str, payload: bytes) -> None:
        answers = stranger.send(topic, payload)
        assert len(answers) == is_ours(topic), (topic, payload[:100], answers)
        stranger.outcomes.update(check(answer, payload) for answer in answers)
        stranger.outcomes["ignored"] += not answers

    try_one()
    assert set(stranger.outcomes) >= {"ok", "ignored", "invalid_request", "invalid_value", "unknown_name", "too_large"}
    assert "internal_error" not in stranger.outcomes
    assert "Traceback" not in appliance.log
    assert "ignored: not the name of a command or control" in appliance.log
    assert client.command("set_privacy", {"on": False})["ok"]
    appliance.until_live()
