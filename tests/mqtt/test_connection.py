"""The connection to the broker: it comes and goes, refuses or hangs, and the camera never minds."""

from pathlib import Path
from typing import Any

import pytest

from appliance import jpeg
from tests.mqtt.broker import HOST, Authority, Broker, free_port
from tests.mqtt.client import Client, Message
from tests.mqtt.conftest import SMALL
from tests.running import RunningAppliance, eventually, run_command
from tests.simcam import SimulatedCamera


def is_online(message: Message) -> bool:
    return message.payload == b"online"


def mqtt(appliance: RunningAppliance) -> tuple[str, str | None]:
    """Return how the connection is, and why."""
    status = appliance.state()["mqtt"]
    return status["state"], status["reason"]


def until(appliance: RunningAppliance, state: str, says: str = "") -> str:
    """Wait for that state of the connection with such a reason, and return the reason."""

    def reason() -> str | None:
        now, why = mqtt(appliance)
        return why or "none" if now == state and says in (why or "") else None

    try:
        return eventually(reason, f"the state {state}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it is {mqtt(appliance)}") from None


def assert_streams(appliance: RunningAppliance) -> None:
    """The camera is live and has fresh frames."""
    assert appliance.ask("GET", "/healthz").status == 200
    assert appliance.ask("GET", "/snapshot.jpg").status == 200


def started(directory: Path, settings: dict[str, object]) -> RunningAppliance:
    return RunningAppliance(directory, settings={**SMALL, **settings})


# ---------------------------------------------------------------------- coming and going


def test_without_a_broker_in_the_settings_mqtt_is_off(own_directory: Path) -> None:
    with started(own_directory, {}) as appliance:
        assert mqtt(appliance) == ("off", None)


def test_a_late_broker_is_found_and_a_lost_one_is_waited_for(tmp_path: Path, own_directory: Path) -> None:
    broker = Broker(tmp_path / "broker")
    with started(own_directory, broker.settings) as appliance:
        appliance.until_live()
        assert f"{HOST}:{broker.port}" in until(appliance, "connecting", "no connection to")
        assert_streams(appliance)
        with broker:
            until(appliance, "connected")
            with Client(broker) as client:
                client.wait_for("availability", is_online)
                assert client.command("get_state")["ok"]
                broker.stop()
                until(appliance, "connecting", "no connection to")
                assert_streams(appliance)
                appliance.ask("PATCH", "/api/controls", {"brightness": 21})
                mark = client.mark
                broker.start()
                client.wait_for("availability", is_online, mark)
                client.wait_for("controls", lambda message: message.json["brightness"] == 21, mark)
                client.wait_for("state", after=mark)
                assert client.command("get_state")["ok"]
            assert appliance.log.count("no connection to") == 2
            assert appliance.log.count("connection was lost") == 1


def test_the_older_protocol_works(broker: Broker, client: Client, own_directory: Path) -> None:
    settings = {**broker.settings, "mqtt.protocol": "3.1.1", "mqtt.base_topic": "camera-appliance/camera/old"}
    with started(own_directory, settings) as appliance:
        client.wait_for("old/camera/availability", is_online)
        answer = client.ask("old/camera/command/get_state", b'{"transaction": 7}', "old/camera/response/get_state")
        assert (answer["ok"], answer["transaction"]) == (True, 7)
        mark = client.mark
        appliance.ask("PATCH", "/api/controls", {"brightness": 5})
        client.wait_for("old/camera/controls", lambda message: message.json["brightness"] == 5, mark)


@pytest.mark.parametrize("host", ["broker..example", ".example", "x" * 64 + ".example"])
def test_an_invalid_host_name_is_refused_at_the_start(tmp_path: Path, host: str) -> None:
    result = run_command(
        "run", "--camera-source=test-pattern", "--http-port=0", f"--mqtt-host={host}", directory=tmp_path
    )
    assert result.returncode != 0
    assert f"mqtt.host: '{host}' is not a valid host name" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "ä ö"])
def test_a_name_that_leads_to_no_broker_costs_only_mqtt(own_directory: Path, host: str) -> None:
    with started(own_directory, {"mqtt.host": host}) as appliance:
        appliance.until_live()
        assert host in until(appliance, "connecting", "no connection to")
        assert_streams(appliance)


def test_a_connection_made_while_much_waits_is_not_forgotten(
    simcam: SimulatedCamera, tmp_path: Path, own_directory: Path
) -> None:
    """The camera stalls, so that one command takes seconds; meanwhile the inbox runs full and the broker restarts."""
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        appliance = RunningAppliance(own_directory, "auto", simcam.environment, broker.settings)
        with appliance:
            client.wait_for("controls", lambda message: "brightness" in message.json)
            simcam.stall()
            client.pour("command/get_format", ["{}"] * 120)
            eventually(lambda: "arrive faster than" in appliance.log, "a full inbox")
            mark = client.mark
            broker.restart()
            client.wait_for("availability", is_online, mark)
            simcam.resume()
            assert client.command("get_state")["ok"]


# ---------------------------------------------------------------------- being let in

USERS = {"camera": "right", "watcher": "pass"}


def test_a_wrong_password_is_refused_and_said_once(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker", users=USERS) as broker:
        login = {"mqtt.username": "camera", "mqtt.password": "guessed-4711"}
        with started(own_directory, {**broker.settings, **login}) as appliance:
            appliance.until_live()
            assert "Not authorized" in until(appliance, "refused")
            eventually(lambda: broker.log.count("not authorised") >= 2, "a second attempt")
            assert until(appliance, "refused")
            assert appliance.log.count("refuses") == 1
            assert "4711" not in appliance.log
            assert_streams(appliance)


def test_the_right_password_lets_it_in(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker", users=USERS) as broker, Client(broker, "watcher", "pass") as client:
        settings = {**SMALL, **broker.settings, "mqtt.username": "camera"}
        password = {"CAMERA_APPLIANCE_MQTT_PASSWORD": "right"}
        with RunningAppliance(own_directory, "test-pattern", password, settings):
            client.wait_for("availability", is_online)
            assert client.command("get_state")["ok"]


def test_a_broker_that_the_authority_vouches_for_is_trusted(
    tmp_path: Path, own_directory: Path, authority: Authority
) -> None:
    with Broker(tmp_path / "broker", certificate=authority.issue("broker")) as broker:
        settings = {**broker.settings, "mqtt.tls": True, "mqtt.tls_ca_file": authority.certificate}
        with started(own_directory, settings) as appliance:
            until(appliance, "connected")


def test_a_broker_of_another_authority_is_not_talked_to(
    tmp_path: Path, own_directory: Path, authority: Authority, stranger: Authority
) -> None:
    with Broker(tmp_path / "broker", certificate=stranger.issue("broker")) as broker:
        settings = {**broker.settings, "mqtt.tls": True, "mqtt.tls_ca_file": authority.certificate}
        login = {"mqtt.username": "camera", "mqtt.password": "secret"}
        with started(own_directory, {**settings, **login}) as appliance:
            appliance.until_live()
            assert "certificate" in until(appliance, "refused")
            eventually(lambda: broker.log.count("alert unknown ca") >= 2, "a second attempt")
            assert appliance.log.count("is not trusted") == 1
            assert_streams(appliance)
            assert "u'camera'" not in broker.log


def test_a_certificate_for_another_host_is_refused_unless_allowed(
    tmp_path: Path, own_directory: Path, authority: Authority
) -> None:
    with Broker(tmp_path / "broker", certificate=authority.issue("broker", "elsewhere")) as broker:
        settings = {**broker.settings, "mqtt.tls": True, "mqtt.tls_ca_file": authority.certificate}
        with started(own_directory, settings) as appliance:
            assert "certificate" in until(appliance, "refused")
        with started(own_directory, {**settings, "mqtt.tls_insecure": True}) as appliance:
            until(appliance, "connected")


def test_a_broker_that_wants_to_see_a_certificate_is_shown_one(
    tmp_path: Path, own_directory: Path, authority: Authority
) -> None:
    ours = authority.issue("camera")
    with Broker(tmp_path / "broker", certificate=authority.issue("broker"), clients_of=authority) as broker:
        settings = {**broker.settings, "mqtt.tls": True, "mqtt.tls_ca_file": authority.certificate}
        with started(own_directory, settings) as appliance:
            until(appliance, "connecting", "the connection was lost")
            assert appliance.log.count("the connection was lost") == 1
        shown = {"mqtt.tls_certificate_file": ours.certificate, "mqtt.tls_key_file": ours.key}
        with started(own_directory, {**settings, **shown}) as appliance:
            until(appliance, "connected")


@pytest.mark.parametrize("setting", ["mqtt.tls_ca_file", "mqtt.tls_certificate_file", "mqtt.tls_key_file"])
def test_a_file_that_is_no_certificate_is_named_at_the_start(
    tmp_path: Path, authority: Authority, stranger: Authority, setting: str
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("this is no certificate\n")
    ours = authority.issue("camera")
    files = {
        "mqtt.tls_ca_file": authority.certificate,
        "mqtt.tls_certificate_file": ours.certificate,
        "mqtt.tls_key_file": ours.key,
        setting: broken,
    }
    flags = [f"--{name.replace('.', '-').replace('_', '-')}={path}" for name, path in files.items()]
    result = run_command(
        "run", "--camera-source=test-pattern", "--http-port=0", "--mqtt-host=127.0.0.1", "--mqtt-tls=true", *flags,
        directory=tmp_path,
    )  # fmt: skip
    assert result.returncode != 0
    assert setting in result.stderr
    assert "Traceback" not in result.stderr


# ---------------------------------------------------------------------- a broker with little room


def test_a_picture_that_the_broker_would_not_take_is_published_smaller(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker", max_packet_size=20_000) as broker, Client(broker) as client:
        with started(own_directory, broker.settings) as appliance:
            client.wait_for("availability", is_online)
            appliance.until_live()
            answer = client.command("take_picture")
            assert answer["result"]["bytes"] > 20_000
            info = client.wait_for("picture/info", lambda message: message.json["id"] == answer["result"]["id"]).json
            published = client.wait_for("picture", lambda message: message.payload).payload
            assert len(published) == info["published"]["bytes"] <= 20_000
            assert info["published"]["reduced"] is True
            assert jpeg.size(published) == (info["published"]["width"], info["published"]["height"])
            eventually(lambda: "reduced for publication" in appliance.log, "a word about it")
            assert client.command("get_state")["ok"]
            appliance.stop()
            assert "connection was lost" not in appliance.log
        mark = client.mark
        with started(own_directory, broker.settings) as appliance:
            client.wait_for("availability", is_online, mark)
            assert client.command("get_state")["ok"]
            assert "connection was lost" not in appliance.log


def test_an_answer_that_the_broker_would_not_take_is_replaced_by_an_error(tmp_path: Path, own_directory: Path) -> None:
    with (
        Broker(tmp_path / "broker", max_packet_size=1500) as broker,
        Client(broker) as client,
        started(own_directory, broker.settings) as appliance,
    ):
        client.wait_for("availability", is_online)
        error = client.command("get_controls", {"transaction": 3})
        assert (error["ok"], error["error"]["code"], error["transaction"]) == (False, "too_large", 3)
        assert client.command("get_picture", {"id": 1})["error"]["code"] == "not_found"
        assert "connection was lost" not in appliance.log


# ---------------------------------------------------------------------- much at once


def test_a_flood_drowns_neither_the_camera_nor_the_commands(tmp_path: Path, own_directory: Path) -> None:
    with (
        Broker(tmp_path / "broker") as broker,
        Client(broker) as client,
        started(own_directory, broker.settings) as appliance,
    ):
        appliance.until_live()
        client.wait_for("availability", is_online)
        captured = appliance.state()["frames"]["captured"]
        client.pour("controls/brightness/set", [str(number % 100) for number in range(2000)])
        client.pour("command/get_controls", ["{"] * 500)
        client.pour("command/get_controls", ["{}"] * 500)
        assert_streams(appliance)
        assert appliance.state()["frames"]["captured"] > captured
        answer = eventually(lambda: still_answered(client), "an answer after the flood")
        values = answer["result"]["values"]
        eventually(lambda: client.newest("controls").json == values, "the values that hold")
        assert mqtt(appliance) == ("connected", None)
        assert "connection was lost" not in appliance.log


def still_answered(client: Client) -> dict[str, Any] | None:
    """Ask again and again, as questions are dropped, or refused as `busy`, while too many wait."""
    client.publish("command/get_controls", '{"transaction": "after"}')
    answers = client.heard("response/get_controls", lambda message: message.json.get("transaction") == "after")
    answer: dict[str, Any] | None = answers[-1].json if answers else None
    return answer if answer and answer["ok"] else None


# ---------------------------------------------------------------------- stopping

STOPS_WITHIN = 2.0  # s


def test_it_stops_soon_with_a_broker(broker: Broker, own_directory: Path) -> None:
    with started(own_directory, {**broker.settings, "mqtt.base_topic": "stopping"}) as appliance:
        until(appliance, "connected")
        appliance.until_live()
        assert appliance.stop() < STOPS_WITHIN


def test_it_stops_soon_without_its_broker(own_directory: Path) -> None:
    with started(own_directory, {"mqtt.host": HOST, "mqtt.port": free_port()}) as appliance:
        until(appliance, "connecting", "no connection")
        appliance.until_live()
        assert appliance.stop() < STOPS_WITHIN


def test_it_stops_soon_when_the_broker_hangs(tmp_path: Path, own_directory: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Client(broker) as client:
        with started(own_directory, broker.settings) as appliance:
            client.wait_for("availability", is_online)
            appliance.until_live()
            with broker.hung():
                assert appliance.stop() < STOPS_WITHIN
        client.wait_for("availability", lambda message: message.payload == b"offline")


def test_it_streams_and_stops_when_the_broker_hangs_from_the_beginning(
    tmp_path: Path, own_directory: Path, authority: Authority
) -> None:
    with Broker(tmp_path / "broker", certificate=authority.issue("broker")) as broker, broker.hung():
        tls = {"mqtt.tls": True, "mqtt.tls_ca_file": authority.certificate}
        with started(own_directory, {**broker.settings, **tls}) as appliance:
            appliance.until_live()
            assert_streams(appliance)
            assert mqtt(appliance)[0] == "connecting"
            assert appliance.stop() < STOPS_WITHIN
