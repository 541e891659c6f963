"""Measure the bus: `python -m tests.mqtt.measure` prints times, on the simulated camera and a loopback broker."""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.mqtt.broker import Broker
from tests.mqtt.client import Client, Message
from tests.mqtt.test_connection import until
from tests.running import RunningAppliance
from tests.simcam import SimulatedCamera

COMMANDS, KILLS, RESTARTS = 200, 5, 5
KEPT = ("availability", "camera", "state", "controls", "controls/availability", "privacy", "picture", "picture/info")


def spent(condition: Callable[[], object]) -> float:
    """Return how long it took until the condition held, in ms, looking every 0.1 ms."""
    began = time.monotonic()
    while not condition():
        threading.Event().wait(0.0001)
    return (time.monotonic() - began) * 1000


def told(name: str, times: list[float]) -> None:
    """Print the median and the 95th percentile."""
    ordered = sorted(times)
    late = ordered[max(0, round(len(ordered) * 0.95) - 1)]
    print(f"{name:45} p50 {statistics.median(ordered):7.1f} ms   p95 {late:7.1f} ms   ({len(ordered)} times)")


def is_online(message: Message) -> bool:
    """Return whether that is what it says."""
    return message.payload == b"online"


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as name, SimulatedCamera(Path(name) / "camera") as camera:
        broker = Broker(Path(name) / "broker")
        appliance = RunningAppliance(Path(name) / "appliance", "auto", camera.environment, broker.settings)
        with broker, Client(broker) as client:
            with appliance:
                appliance.until_live()
                client.wait_for("controls", lambda message: "brightness" in message.json)
                appliance.ask("POST", "/api/pictures")
                told("command published to device value changed", [set_one(client, camera, n) for n in range(COMMANDS)])
                told("command published to value on the bus", [set_and_hear(client, n) for n in range(COMMANDS)])
                told("broker listens to all topics back", [restart(broker, appliance) for _ in range(RESTARTS)])
            told("appliance killed to unavailable", [kill(client, appliance) for _ in range(KILLS)])


def kill(client: Client, appliance: RunningAppliance) -> float:
    """Return the time from the death of an appliance until the broker says so."""
    mark = client.mark
    appliance.start()
    client.wait_for("availability", is_online, mark)
    mark = client.mark
    appliance.kill()
    began = time.monotonic()
    client.wait_for("availability", lambda message: message.payload == b"offline", mark)
    return (time.monotonic() - began) * 1000


def set_one(client: Client, camera: SimulatedCamera, number: int) -> float:
    """Return the time until the device has the value."""
    wanted = number % 50 - 25
    client.publish("controls/brightness/set", str(wanted))
    return spent(lambda: camera.controls["brightness"] == wanted)


def set_and_hear(client: Client, number: int) -> float:
    """Return the time until the bus shows the value."""
    wanted, mark, began = number % 50 - 20, client.mark, time.monotonic()
    client.publish("controls/contrast/set", str(wanted % 60))
    client.wait_for("controls", lambda message: message.json["contrast"] == wanted % 60, mark)
    return (time.monotonic() - began) * 1000


def restart(broker: Broker, appliance: RunningAppliance) -> float:
    """Return the time from a broker that listens, and knows nothing, until it has all topics."""
    broker.kill()
    until(appliance, "connecting", "no connection to")
    broker.start()
    began = time.monotonic()
    with Client(broker) as newcomer:
        for topic in KEPT:
            newcomer.wait_for(topic, lambda message: message.payload)
    return (time.monotonic() - began) * 1000


if __name__ == "__main__":
    main()
