"""Report the state of each camera and verify that it works. Runs on the host, with the Python of the release.

Reads JSON from standard input: `configuration` (the folder of the NAME.toml files), `names` (if empty, all cameras),
`prove` (seconds within which a camera must work; 0 only reports the state) and `dark` (the cameras that may lack a
picture). Prints a list of objects: `camera`, `version`, `state`, `fps`, `frame_age`, `disk_free` and `problems`.
"""

import base64
import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

PORT = 8000
BASE_TOPIC = "camera-appliance"
PATIENCE = 10.0  # s, for one response
FRESH = 5.0  # s: an older picture proves nothing
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Camera:
    """One camera of this host, as its configuration describes it."""

    def __init__(self, configuration: Path, name: str) -> None:
        self.name = name
        self.unit = f"camera-appliance@{name}.service"
        with (configuration / f"{name}.toml").open("rb") as file:
            settings = tomllib.load(file)
        folder = configuration / "credentials" / name
        self.secrets = {file.name: file.read_text(encoding="utf-8").strip() for file in folder.glob("[!.]*")}
        self.http = settings.get("http", {})
        self.mqtt = settings.get("mqtt", {})

    def ask(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Return status, headers and body of the response. Raises OSError, HTTPException."""
        host = self.http.get("host", "127.0.0.1")
        address = EVERYWHERE.get(host, host), self.http.get("port", PORT)
        connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
        if self.http.get("tls_certificate") or self.http.get("tls_self_signed"):
            # The certificate contains the public name, but the request goes to the loopback.
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(*address, timeout=PATIENCE, context=context)
        try:
            connection.request("GET", path, headers=self.authorization())
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def authorization(self) -> dict[str, str]:
        """Return the Authorization header, if a secret is configured."""
        if token := self.secrets.get("http-token"):
            return {"Authorization": f"Bearer {token}"}
        if password := self.secrets.get("http-password"):
            return {"Authorization": "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()}
        return {}


def look(camera: Camera) -> dict[str, object]:
    """Return the row of a camera, from the state that it reports."""
    row: dict[str, object] = {"camera": camera.name, "problems": []}
    try:
        status, _, body = camera.ask("/api/state")
        if status != 200:
            return row | {"state": f"HTTP {status}"}
        state = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        active = show(camera.unit, "ActiveState")
        return row | {"state": "no answer" if active == "active" else active, "problems": [str(error)]}
    return row | {
        "version": state["version"],
        "state": state["camera"]["state"],
        "reason": state["camera"]["reason"],
        "fps": state["fps"],
        "frame_age": state["frame_age"],
        "disk_free": state["disk_free"],
    }


def prove(camera: Camera, seconds: float, may_be_dark: bool) -> list[str]:
    """Return the problems that remain after that number of seconds; an empty list as soon as the camera works."""
    deadline = time.monotonic() + seconds
    while problems := [*unhealthy(camera, may_be_dark), *silent(camera)]:
        if time.monotonic() > deadline or errors(camera):
            break
        time.sleep(0.5)
    return problems + [f"the journal has an error since the start: {line}" for line in errors(camera)]


def unhealthy(camera: Camera, may_be_dark: bool) -> list[str]:
    """Return the problems of the unit, its health and a fresh frame."""
    if (active := show(camera.unit, "ActiveState")) != "active":
        return [f"{camera.unit} is {active} ({show(camera.unit, 'Result')})"]
    try:
        status, _, body = camera.ask("/healthz")
        if status == 503 and (may_be_dark or in_privacy(camera)):
            return []
        if status != 200:
            return [f"/healthz answers {status}: {said(body)}"]
        status, headers, body = camera.ask("/snapshot.jpg")
    except (OSError, http.client.HTTPException) as error:
        return [f"HTTP does not answer: {error}"]
    if status != 200 or not body.startswith(b"\xff\xd8"):
        return [f"/snapshot.jpg answers {status}: {said(body)}"]
    age = float(headers.get("X-Frame-Age", "0"))
    return [f"the picture is {age:.1f} s old"] if age > FRESH else []


def in_privacy(camera: Camera) -> bool:
    """Return whether privacy is on, so that there is no picture."""
    status, _, body = camera.ask("/api/state")
    return status == 200 and bool(json.loads(body).get("privacy"))


def silent(camera: Camera) -> list[str]:
    """Return the problems of MQTT: the availability at the broker must be `online`."""
    if not camera.mqtt.get("host"):
        return []
    topic = f"{camera.mqtt.get('base_topic', BASE_TOPIC)}/{camera.name}/availability"
    try:
        said_last = retained(camera, topic)
    except (OSError, ValueError) as error:
        return [f"the broker at {camera.mqtt['host']} cannot be asked: {error}"]
    return [] if said_last == "online" else [f"{topic} says {said_last or 'nothing'}, not online"]


def retained(camera: Camera, topic: str) -> str | None:
    """Return the retained message of a topic, or None. Raises OSError, ValueError if the broker is unreachable."""
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    settings, arrived = camera.mqtt, threading.Event()
    answers: list[str] = []

    def on_connect(client: paho.Client, *_: object) -> None:
        client.subscribe(topic)

    def on_message(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        answers.append(message.payload.decode())
        arrived.set()

    client = paho.Client(CallbackAPIVersion.VERSION2)
    if username := settings.get("username"):
        client.username_pw_set(username, camera.secrets.get("mqtt-password"))
    if settings.get("tls"):
        context = ssl.create_default_context(cafile=settings.get("tls_ca_file") or None)
        if certificate := settings.get("tls_certificate_file"):
            context.load_cert_chain(certificate, settings.get("tls_key_file") or None)
        context.check_hostname = not settings.get("tls_insecure", False)
        client.tls_set_context(context)
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(settings["host"], settings.get("port", 1883))
    client.loop_start()
    arrived.wait(PATIENCE / 2)
    client.disconnect()
    client.loop_stop()
    return answers[-1] if answers else None


def errors(camera: Camera) -> list[str]:
    """Return the errors of the camera in the journal since its last start."""
    return run(
        *("journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=5", "--priority=err"),
        f"_SYSTEMD_INVOCATION_ID={show(camera.unit, 'InvocationID')}",
    ).splitlines()


def show(unit: str, name: str) -> str:
    """Return a property of a unit."""
    return run("systemctl", "show", "--value", f"--property={name}", unit).strip()


def run(*command: str) -> str:
    """Return the output of a command, regardless of its exit status."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def said(body: bytes) -> str:
    """Return the message of an error response, or the beginning of any other body."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return repr(body[:80])


def main() -> None:
    """Report or verify the cameras, and print the result."""
    wanted = json.load(sys.stdin)
    configuration = Path(wanted["configuration"])
    rows = []
    for name in wanted["names"] or sorted(path.stem for path in configuration.glob("*.toml")):
        camera = Camera(configuration, name)
        problems = prove(camera, wanted["prove"], name in wanted["dark"]) if wanted["prove"] else []
        row = look(camera)
        rows.append(row | {"problems": problems} if wanted["prove"] else row)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
