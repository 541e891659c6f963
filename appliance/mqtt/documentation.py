"""The text of docs/mqtt.md: the topics, how to try them, and how others use them."""

from collections.abc import Iterable, Iterator

from appliance.commands import PRESSES, Declaration, declarations
from appliance.mqtt.publications import EVENT_TYPES
from appliance.mqtt.topics import TOPICS, Topic
from appliance.service import Appliance

_INTRODUCTION = """\
# MQTT

MQTT is on as soon as a broker is named:

```toml
[mqtt]
host = "192.168.1.10"
username = "camera"
password = "secret"
```

All topics are below `<mqtt.base_topic>/<camera.name>`, by default `camera-appliance/camera`. Two cameras at one broker
need two names. `docs/asyncapi.json` describes every topic and every command for programs.
"""

_RULES = """\
- **QoS 1** everywhere but on `live`. Commands, answers and events are never retained. A retained message on a command
  topic is ignored and logged: it would be carried out again at every connect.
- **Plain values** (`controls/<control>/set`, `privacy/set`) are read as long as the meaning is plain: `60`, `12.8`,
  `12,8`, `7E+1`, `"60"`, with blanks or a newline around; `ON`, `on`, `true`, `1`, `1.0`; the number of a menu entry or
  its label. A number is rounded to the nearest step, counted from the minimum, and halfway between two steps to the
  greater one. A number outside of the range is refused. So is `1,000`, which has two meanings. In JSON, a number has to
  be one that the control accepts.
- **Buttons**: {any_payload} have no arguments and are run by any
  payload: `PRESS`, `ON`, `OFF`, `1`, nothing. A JSON object is still checked, and its `transaction` is sent back.
  {presses}, in any case, or nothing runs {buttons}, whose arguments are optional. Every other command
  needs a JSON object.
- **Answers** go to `response/<command>`, or to the request's Response Topic with its Correlation Data (MQTT 5). A
  member `transaction` of the JSON is sent back as it came. After a refusal the values that hold are published again.
- **Too much at once**: 200 messages wait. Of wishes for values the newest count, other commands are answered with
  `busy`.
- **Size**: a picture above `mqtt.max_picture_bytes`, or above what the broker says it takes, is made smaller;
  `picture/info` tells (`published`).
- **Connection**: everything is published again at each connect. A refused login is logged once and tried again after
  1, 2, 4 s and so on, at most 60 s. A broker that ends
  the connection at once, five times in a row, is left alone for 60 s: another client may have the same id.
- **TLS** checks the certificate and the host name. There is no fallback to an unencrypted connection.
"""

_TRY = """\
## Try it

```sh
# everything the camera says, pictures left out
mosquitto_sub -h 192.168.1.10 -v -t 'camera-appliance/#' -T '+/+/picture' -T '+/+/live'

# take a picture, and see the answer
mosquitto_rr -h 192.168.1.10 -t camera-appliance/camera/command/take_picture -e answer/here -n

# set one control, several, a format
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/controls/brightness/set -m 60
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/controls/set -m '{"brightness": 60, "contrast": 20}'
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/command/set_format -m '{"width": 640, "height": 480}'

# keep the last picture
mosquitto_sub -h 192.168.1.10 -C 1 -N -t camera-appliance/camera/picture > picture.jpg
```
"""

_HOME_ASSISTANT = """\
## Home Assistant

With MQTT set up in Home Assistant, the camera appears by itself as one device: camera, last picture, a button to take
one, a switch for privacy, every control of the camera, resolution, sensors. Controls that an automatic mode governs are
unavailable until it is off. Announced at `<mqtt.discovery_prefix>/device/<base topic>-<name>/config`, at each connect
and whenever Home Assistant says `online` on `mqtt.birth_topic`. `mqtt.discovery = false` switches it off.

Video at full rate: add the integration **MJPEG IP Camera** with the address `http://<the Pi>:8000/stream.mjpg` and the
still image `http://<the Pi>:8000/snapshot.jpg`.

An automation that takes a picture when a door opens:

```yaml
triggers:
  - trigger: state
    entity_id: binary_sensor.front_door
    to: "on"
actions:
  - action: button.press
    target:
      entity_id: button.camera_take_picture
```

`camera-appliance forget` (with the appliance stopped) removes the device and every retained topic from the broker.
"""

_NODE_RED = """\
## Node-RED

Import this flow: it takes a picture every hour, saves each picture that is taken, and has a button that sets the
brightness. Name your broker in the node `broker`, and your file in the node `save`.

```json
[
  {
    "id": "each-hour",
    "type": "inject",
    "name": "each hour",
    "repeat": "3600",
    "payload": "",
    "payloadType": "str",
    "topic": "camera-appliance/camera/command/take_picture",
    "wires": [["send"]]
  },
  {
    "id": "brighter",
    "type": "inject",
    "name": "brightness 60",
    "payload": "60",
    "payloadType": "num",
    "topic": "camera-appliance/camera/controls/brightness/set",
    "wires": [["send"]]
  },
  { "id": "send", "type": "mqtt out", "name": "to the camera", "qos": "1", "broker": "broker", "wires": [] },
  {
    "id": "picture",
    "type": "mqtt in",
    "name": "last picture",
    "topic": "camera-appliance/camera/picture",
    "qos": "1",
    "datatype": "buffer",
    "broker": "broker",
    "wires": [["save"]]
  },
  { "id": "save", "type": "file", "filename": "/data/last.jpg", "overwriteFile": "true", "wires": [[]] },
  { "id": "broker", "type": "mqtt-broker", "broker": "192.168.1.10", "port": "1883", "protocolVersion": "5" }
]
```
"""

_OPENHAB = """\
## openHAB

openHAB 5.2 and later reads Home Assistant's discovery of this device. For older ones, install the add-ons
**MQTT Binding** and **JSONPath Transformation** and write a `.things` file. `min`, `max` and `step` are those of your
camera: the command `get_controls` reports them.

```text
Thing mqtt:topic:camera "Camera" (mqtt:broker:home) [
    availabilityTopic="camera-appliance/camera/availability",
    payloadAvailable="online", payloadNotAvailable="offline" ] {
  Channels:
    Type image : picture "Last picture" [ stateTopic="camera-appliance/camera/picture" ]
    Type contact : camera "Camera usable" [ stateTopic="camera-appliance/camera/camera", on="online", off="offline" ]
    Type switch : privacy "Privacy" [
        stateTopic="camera-appliance/camera/privacy",
        commandTopic="camera-appliance/camera/privacy/set" ]
    Type dimmer : brightness "Brightness" [
        stateTopic="camera-appliance/camera/controls", transformationPattern="JSONPATH:$.brightness",
        commandTopic="camera-appliance/camera/controls/brightness/set", min=-64, max=64, step=1 ]
    Type number : gain "Gain" [
        stateTopic="camera-appliance/camera/controls", transformationPattern="JSONPATH:$.gain",
        commandTopic="camera-appliance/camera/controls/gain/set", min=0, max=100, step=1 ]
    Type switch : automatic "White balance" [
        stateTopic="camera-appliance/camera/controls", transformationPattern="JSONPATH:$.white_balance_automatic",
        commandTopic="camera-appliance/camera/controls/white_balance_automatic/set", on="true", off="false" ]
    Type string : mains "Mains frequency" [
        stateTopic="camera-appliance/camera/controls", transformationPattern="JSONPATH:$.power_line_frequency",
        commandTopic="camera-appliance/camera/controls/power_line_frequency/set", allowedStates="0,1,2" ]
    Type string : take "Take picture" [ commandTopic="camera-appliance/camera/command/take_picture" ]
    Type trigger : event "Event" [
        stateTopic="camera-appliance/camera/event", transformationPattern="JSONPATH:$.event_type" ]
}
```

A dimmer shows percents of the range: 0 % is `min`, 100 % is `max`, and what lies between is rounded to the step. Any
text that is sent to `take` takes a picture. `OFF` takes one as well, so a Switch item as its button should not have
`expire`.
"""


def document() -> str:
    """Return the whole text, in Markdown."""
    declared = declarations(Appliance)
    rules = _RULES.format(
        any_payload=_names(each for each in declared if each.takes_any_payload),
        buttons=_names(each for each in declared if each.is_button and not each.takes_any_payload),
        presses=", ".join(f"`{each.upper()}`" for each in sorted(PRESSES)),
    )
    parts = [
        _INTRODUCTION,
        "## Topics\n",
        *_table(),
        "",
        f"Events: {', '.join(f'`{each}`' for each in EVENT_TYPES)}.\n",
    ]
    return "\n".join([*parts, "## Rules\n", rules, _TRY, _HOME_ASSISTANT, _NODE_RED, _OPENHAB])


def _names(commands: Iterable[Declaration]) -> str:
    return ", ".join(f"`{each.name}`" for each in commands)


def _table() -> Iterator[str]:
    yield "| topic, below `<base>/<name>/` | content | what | retained | QoS |"
    yield "| --- | --- | --- | --- | --- |"
    for topic in TOPICS:
        path = topic.path.replace("{", "<").replace("}", ">")
        retained = "yes" if topic.retained else "no"
        yield f"| `{path}` | {_content(topic)} | {topic.help} | {retained} | {topic.qos} |"


def _content(topic: Topic) -> str:
    return {"text": "plain text", "jpeg": "JPEG"}.get(topic.content, "JSON")
