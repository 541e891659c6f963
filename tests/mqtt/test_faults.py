"""Brokers and neighbours that misbehave: the stream goes on, and everything is right again afterwards."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from appliance.mqtt.command_queue import CAPACITY, CommandQueue, Request
from tests.mqtt.broker import HOST, Broker
from tests.mqtt.client import Client
from tests.mqtt.conftest import SMALL
from tests.mqtt.test_connection import assert_streams, is_online, until
from tests.running import RunningAppliance, eventually
from tests.streaming import Viewer

KEPT = ("availability", "camera", "state", "controls", "controls/availability", "privacy", "picture", "picture/info")
RESTARTS = 20


@contextmanager
def watched(appliance: RunningAppliance) -> Iterator[Viewer]:
    """Keep a viewer connected for the time of the block; its pictures have to be live before and after."""
    with Viewer(appliance) as viewer:
        assert viewer.begin().part().is_live
        yield viewer
        assert viewer.part().is_live


# ---------------------------------------------------------------------- brokers


def test_a_broker_that_is_killed_again_and_again_leaves_the_stream_alone(tmp_path: Path, own_directory: Path) -> None:
    """Each time everything is there again, on a broker that remembers nothing, and the viewer is never cut off."""
    with Broker(tmp_path / "broker") as broker, RunningAppliance(own_directory, settings=small(broker)) as appliance:
        appliance.until_live()
        appliance.ask("POST", "/api/pictures")
        with watched(appliance) as viewer:
            pauses = Pauses(viewer)
            for number in range(RESTARTS):
                broker.kill()
                appliance.ask("PATCH", "/api/controls", {"brightness": number})
                if number % 4 == 3:  # long enough to be missed; the others are back before
                    until(appliance, "connecting", "no connection to")
                broker.start()
                with Client(broker) as client:
                    for topic in KEPT:
                        client.wait_for(topic, lambda message: message.payload)
                    values = client.wait_for("controls", lambda message, n=number: message.json["brightness"] == n)  # type: ignore[misc]
                    assert values.json["brightness"] == number
            pauses.stop()
        assert pauses.frames > RESTARTS
        assert appliance.state()["camera"]["state"] == "online"
        assert appliance.state()["frames"]["corrupt"] == 0


def test_a_broker_that_accepts_and_never_answers_is_retried(own_directory: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        settings = {**SMALL, "mqtt.host": HOST, "mqtt.port": port, "mqtt.keep_alive": 5}
        with RunningAppliance(own_directory, settings=settings) as appliance:
            appliance.until_live()
            with watched(appliance):
                server.settimeout(30)
                silent, _ = server.accept()
                again, _ = server.accept()  # after the keep-alive ran out
                assert appliance.state()["mqtt"]["state"] == "connecting"
                silent.close()
                again.close()
            assert appliance.stop() < 3


def test_a_half_open_connection_is_noticed_and_replaced(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = {**small(broker), "mqtt.keep_alive": 5}
        with RunningAppliance(own_directory, settings=settings) as appliance, watched(appliance):
            until(appliance, "connected")
            with broker.hung():
                until(appliance, "connecting")
                appliance.ask("PATCH", "/api/controls", {"brightness": 77})
            until(appliance, "connected")
            with Client(broker) as client:
                client.wait_for("controls", lambda message: message.json["brightness"] == 77)


def test_after_an_outage_nothing_old_is_said(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker, RunningAppliance(own_directory, settings=small(broker)) as appliance:
        appliance.until_live()
        with Client(broker) as client:  # What is on its way when the broker dies is sent again: QoS 1.
            client.wait_for("controls", lambda message: message.json["brightness"] == 0)
            assert client.command("get_state")["ok"]
        broker.kill()
        until(appliance, "connecting")
        for number in range(1, 6):
            appliance.ask("PATCH", "/api/controls", {"brightness": number})
            appliance.ask("POST", "/api/pictures")
        with broker, Client(broker) as client:
            client.wait_for("availability", is_online)
            assert client.command("get_state")["ok"]
            said = [message.json["brightness"] for message in client.heard("controls")]
            assert said == [5]
            assert not client.heard("event")
            assert {json.loads(message.payload)["id"] for message in client.heard("picture/info")} == {5}


def test_messages_a_hung_broker_did_not_take_are_not_sent_later(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = {**small(broker), "mqtt.keep_alive": 60}
        with RunningAppliance(own_directory, settings=settings) as appliance, Client(broker) as client:
            appliance.until_live()
            client.wait_for("availability", is_online)
            with broker.hung():
                for number in range(1, 6):
                    appliance.ask("PATCH", "/api/controls", {"brightness": number})
                    appliance.ask("POST", "/api/pictures")
                assert appliance.state()["mqtt"]["state"] == "connected"
                broker.kill()
            mark = client.mark
            with broker:
                client.wait_for("availability", is_online, mark)
                assert client.command("get_state")["ok"]
                client.wait_for("picture/info", lambda message: message.json["id"] == 5, mark)
                assert [message.json["brightness"] for message in client.heard("controls", after=mark)] == [5]
                assert not client.heard("event", after=mark)
                assert len(client.heard("picture", after=mark)) == 1


def test_a_broker_that_does_not_read_gets_no_heap_of_pictures(tmp_path: Path, own_directory: Path) -> None:
    """With QoS 1 paho keeps what was not acknowledged; so a picture waits for the one before, and the newest counts."""
    with Broker(tmp_path / "broker") as broker:
        large = {"camera.width": 1920, "camera.height": 1080, "camera.jpeg_quality": 100}
        settings = {**small(broker), **large, "mqtt.keep_alive": 60}
        with RunningAppliance(own_directory, settings=settings) as appliance, Client(broker) as client:
            appliance.until_live()
            appliance.ask("POST", "/api/pictures")
            client.wait_for("picture/info", lambda message: message.json["id"] == 1)
            with broker.hung():
                appliance.ask("POST", "/api/pictures")
                before = memory(appliance)
                taken = [appliance.ask("POST", "/api/pictures").json for _ in range(50)]
                assert memory(appliance) - before < sum(picture["bytes"] for picture in taken) / 2
            assert client.wait_for("picture/info", lambda message: message.json["id"] == taken[-1]["id"])
            assert len(client.heard("picture")) < 10


def test_it_stops_in_peace_when_the_broker_takes_nothing_more(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = {**small(broker), "mqtt.keep_alive": 60}
        with RunningAppliance(own_directory, settings=settings) as appliance:
            until(appliance, "connected")
            with broker.hung():
                for number in range(520):
                    assert appliance.ask("PATCH", "/api/controls", {"brightness": number % 2}).status == 200
                assert appliance.stop() < 3
                assert "Traceback" not in appliance.log


def test_a_second_client_of_the_same_identity_causes_no_endless_fight(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker, RunningAppliance(own_directory, settings=small(broker)) as appliance:
        until(appliance, "connected")
        known = eventually(lambda: re.search(r" as (camera-appliance-\S+) ", broker.log), "its id")[1]
        rival = paho.Client(CallbackAPIVersion.VERSION2, client_id=known, protocol=paho.MQTTv5)
        rival.reconnect_delay_set(1, 1)
        rival.connect(HOST, broker.port)
        rival.loop_start()
        try:
            assert known in until(appliance, "refused", "does another camera use")
            assert appliance.log.count("does another camera use") == 1
            assert_streams(appliance)
        finally:
            rival.disconnect()
            rival.loop_stop()


def test_with_mqtt_3_1_1_a_picture_that_may_be_too_large_is_reported(tmp_path: Path, own_directory: Path) -> None:
    settings = {"mqtt.protocol": "3.1.1"}
    with Broker(tmp_path / "broker", max_packet_size=20_000) as broker:
        with RunningAppliance(own_directory, settings={**small(broker), **settings}) as appliance:
            appliance.until_live()
            appliance.ask("POST", "/api/pictures")
            until(appliance, "refused", "or is mqtt.max_picture_bytes more than it accepts")
        small_enough = {**small(broker), **settings, "mqtt.max_picture_bytes": 19_000}
        with RunningAppliance(own_directory, settings=small_enough), Client(broker) as client:
            assert client.wait_for("picture/info", lambda message: message.json["published"]).json["published"][
                "reduced"
            ]


def test_a_broker_that_lets_us_not_listen_is_told_of(own_directory: Path) -> None:
    """Mosquitto grants every subscription and keeps the messages back, others refuse it: here a few bytes of MQTT 5."""
    accepted = bytes([0x20, 3, 0, 0, 0])
    not_authorized = 0x87
    with socket.create_server((HOST, 0)) as server:
        settings = {**SMALL, "mqtt.host": HOST, "mqtt.port": server.getsockname()[1]}
        with RunningAppliance(own_directory, settings=settings) as appliance:
            server.settimeout(30)
            connection, _ = server.accept()
            with connection:
                connection.settimeout(30)
                connection.recv(4096)
                connection.sendall(accepted)
                packet = connection.recv(4096)
                assert packet[0] == 0x82  # SUBSCRIBE; its length is one byte here, its number the next two
                number = packet[2:4] if packet[1] < 0x80 else packet[3:5]
                connection.sendall(bytes([0x90, 8]) + number + bytes([0]) + bytes([not_authorized]) * 5)
                eventually(lambda: "the broker refused a subscription" in appliance.log, "a line in the log")
                assert "Not authorized" in appliance.log


# ---------------------------------------------------------------------- neighbours


def test_a_flood_on_the_command_topics_leaves_the_stream_alone(tmp_path: Path, own_directory: Path) -> None:
    """Of wishes the newest wins, pictures are refused with `busy`, and nothing grows."""
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        appliance = RunningAppliance(own_directory, settings=small(broker))
        with appliance:
            appliance.until_live()
            client.wait_for("availability", is_online)
            with watched(appliance) as viewer:
                pauses = Pauses(viewer)
                flood(broker, 10_000)
                client.publish("controls/brightness/set", "99")
                client.wait_for("controls", lambda message: message.json["brightness"] == 99)
                pauses.stop()
            assert pauses.frames
            assert client.command("get_state")["ok"]
            codes = {message.json.get("error", {}).get("code") for message in client.heard("response/take_picture")}
            assert "busy" in codes
            assert "messages arrive faster than" in appliance.log
            assert appliance.log.count("refused") < 1000
            assert appliance.state()["mqtt"] == {"state": "connected", "reason": None}


def flood(broker: Broker, messages: int) -> None:
    """Publish so many messages on command topics as fast as the broker takes them."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect(HOST, broker.port)
    client.loop_start()
    root = "camera-appliance/camera"
    last: Any = None
    for number in range(messages // 4):
        client.publish(f"{root}/controls/brightness/set", str(number % 100))
        client.publish(f"{root}/command/take_picture", "{}")
        client.publish(f"{root}/command/set_controls", '{"contrast": 5')
        last = client.publish(f"{root}/command/nothing_{number}", b"\xff" * 100)
    last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def test_live_pictures_come_at_their_pace_and_only_when_asked_for(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        with RunningAppliance(own_directory / "off", settings=small(broker)):
            client.wait_for("camera", lambda message: message.payload == b"online")
            assert client.command("take_picture")["ok"]
            assert not client.heard("live")
        with RunningAppliance(own_directory, settings={**small(broker), "mqtt.live_interval": 0.1}):
            first = client.wait_for("live")
            assert first.qos == 0
            assert first.payload.startswith(b"\xff\xd8")
            eventually(lambda: len(client.heard("live")) >= 5, "live pictures")
            config = client.wait_for_any(
                lambda message: message.topic.endswith("/config") and "live" in message.json["cmps"]["camera"]["t"]
            )
            assert config.json["cmps"]["camera"]["t"] == "camera-appliance/camera/live"
        with Client(broker) as newcomer:
            assert newcomer.wait_for("live").retain


def test_a_broker_that_does_not_read_gets_no_heap_of_live_pictures(tmp_path: Path, own_directory: Path) -> None:
    """Paho keeps what is not sent; so the next picture waits for the one before."""
    with Broker(tmp_path / "broker") as broker:
        large = {"camera.width": 1920, "camera.height": 1080, "camera.jpeg_quality": 100}
        settings = {**small(broker), **large, "mqtt.live_interval": 0.02, "mqtt.keep_alive": 60}
        with RunningAppliance(own_directory, settings=settings) as appliance, Client(broker) as client:
            client.wait_for("live")
            with broker.hung():
                captured = appliance.state()["frames"]["captured"]
                before = memory(appliance)
                eventually(lambda: appliance.state()["frames"]["captured"] > captured + 150, "150 frames", 60)
                assert memory(appliance) - before < 30_000_000


def test_live_pictures_go_on_after_a_connection_broken_inside_one(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        large = {"camera.width": 1920, "camera.height": 1080, "camera.jpeg_quality": 100}
        settings = {**small(broker), **large, "mqtt.live_interval": 0.05, "mqtt.keep_alive": 5}
        with RunningAppliance(own_directory, settings=settings) as appliance, Client(broker) as client:
            client.wait_for("live")
            with broker.hung():
                until(appliance, "connecting")
            until(appliance, "connected")
            mark = client.mark
            eventually(lambda: len(client.heard("live", after=mark)) >= 5, "live pictures")
            assert appliance.process.poll() is None


def memory(appliance: RunningAppliance) -> int:
    """Return the resident memory in bytes."""
    pages = Path(f"/proc/{appliance.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


# ---------------------------------------------------------------------- the inbox


def request(topic: str, payload: str = "") -> Request:
    return Request(topic, len(payload), payload.encode())


def drained(inbox: CommandQueue) -> tuple[list[Request], list[Request]]:
    """Return everything that waits: to be done, and to be refused."""
    done: list[Request] = []
    refused: list[Request] = []
    while True:
        inbox.wake()
        one, other = inbox.get()
        if not one and not other:
            return done, refused
        done += [one] if one else []
        refused += [other] if other else []


def test_messages_are_done_in_their_order() -> None:
    inbox = CommandQueue()
    sent = [request(f"command/{number}") for number in range(20)]
    for each in sent:
        inbox.put(each)
    assert drained(inbox) == (sent, [])


def test_of_many_changes_the_newest_are_kept() -> None:
    inbox = CommandQueue()
    for number in range(1000):
        inbox.put(request("controls/brightness/set", str(number)))
    done, refused = drained(inbox)
    assert [int(each.payload) for each in done] == list(range(950, 1000))
    assert refused == []


def test_of_too_many_commands_the_oldest_run_and_refusals_are_answered() -> None:
    inbox = CommandQueue()
    for number in range(1000):
        inbox.put(request("command/take_picture", str(number)))
    done, refused = drained(inbox)
    assert [int(each.payload) for each in done] == list(range(50))
    assert 0 < len(refused) <= 100


def test_a_flood_on_many_topics_leaves_room_for_a_wish() -> None:
    inbox = CommandQueue()
    for number in range(1000):
        inbox.put(request("controls/contrast/set", "1"))
        inbox.put(request(f"command/nothing_{number}"))
    inbox.put(request("controls/brightness/set", "99"))
    done, _ = drained(inbox)
    assert len(done) <= CAPACITY
    assert done[-1].payload == b"99"


def test_one_who_waits_for_messages_is_woken() -> None:
    inbox = CommandQueue()
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(inbox.get()))
    waiting.start()
    inbox.put(request("command/get_state"))
    waiting.join(30)
    assert got == [(request("command/get_state"), None)]


# ---------------------------------------------------------------------- means


def small(broker: Broker) -> dict[str, object]:
    return {**SMALL, **broker.settings}


class Pauses:
    """Reads a viewer's frames on a thread of its own, until `stop`; all of them have to be live."""

    def __init__(self, viewer: Viewer) -> None:
        self.frames = 0
        self.longest = 0.0  # s
        self._viewer = viewer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        last = time.monotonic()
        while not self._stopping.is_set():
            if not self._viewer.part().is_live:
                return
            now = time.monotonic()
            self.frames, self.longest, last = self.frames + 1, max(self.longest, now - last), now

    def stop(self) -> None:
        """Stop reading; the stream must not have ended before."""
        assert self._thread.is_alive(), "the stream ended, or its picture was not live"
        self._stopping.set()
        self._thread.join(30)
