"""The text of docs/mqtt.md: the topics, examples, and integrations."""

from collections.abc import Iterable, Iterator, Sequence

from appliance.commands import PRESSES, Declaration
from appliance.events import Event
from appliance.mqtt.topics import TOPICS, Topic

_INTRODUCTION = """\
# MQTT

MQTT is enabled by setting a broker:

```toml
[mqtt]
host = "192.168.1.10"
username = "camera"
password = "secret"
```

All topics are below `<mqtt.base_topic>/<camera.name>`, by default `camera-appliance/camera`. Cameras that use the same
broker need different names. `docs/asyncapi.json` describes all topics and commands in a machine-readable form.
"""

_RULES = """\
- **QoS** is 1 for all topics except `live`. Commands, responses and events are never retained. A retained message on a
  command topic is ignored and logged, because it would run again at every connect.
- **Plain values** (`controls/<control>/set`, `privacy/set`) are accepted in any unambiguous form: `60`, `12.8`, `12,8`,
  `7E+1`, `"60"`, with surrounding whitespace; `ON`, `on`, `true`, `1`, `1.0`; the number or the label of a menu entry.
  A number is rounded to the nearest step, counted from the minimum; halfway between two steps, it is rounded up. A
  number out of range is refused, and so is `1,000`, which is ambiguous. In JSON, a number must be a value that the
  control accepts.
- **Buttons**: {any_payload} have no arguments and are run by any
  payload: `PRESS`, `ON`, `OFF`, `1`, or an empty one. A JSON object is still checked, and its `transaction` is
  returned. {presses}, in upper or lower case, or an empty payload runs {buttons}, whose arguments
  are optional. Every other command needs a JSON object.
- **Responses** are published on `response/<command>`, or on the Response Topic of the request with its Correlation Data
  (MQTT 5). The member `transaction` of a request is returned unchanged. After a refused command, the current values are
  published again.
- **Overload**: up to 200 messages are queued. If the queue is full, newer values replace older ones, and other commands
  get the error `busy`.
- **Size**: a picture larger than `mqtt.max_picture_bytes`, or than the limit of the broker, is reduced; the member
  `published` of `picture/info` describes the reduced picture.
- **Connection**: at each connect, everything is published again. A refused login is logged once and retried after 1, 2,
  4 s and so on, up to 60 s. If the broker closes the connection immediately five times in a row, the next attempt
  follows after 60 s, because another client may have the same id.
- **TLS** verifies the certificate and the host name. There is no fallback to an unencrypted connection.
"""

_TRY = """\
## Try it

```sh
# all topics except pictures
mosquitto_sub -h 192.168.1.10 -v -t 'camera-appliance/#' -T '+/+/picture' -T '+/+/live'

# take a picture, and print the response
mosquitto_rr -h 192.168.1.10 -t camera-appliance/camera/command/take_picture -e answer/here -n

# set one control, several, a format
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/controls/brightness/set -m 60
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/controls/set -m '{"brightness": 60, "contrast": 20}'
mosquitto_pub -h 192.168.1.10 -t camera-appliance/camera/command/set_format -m '{"width": 640, "height": 480}'

# save the last picture
mosquitto_sub -h 192.168.1.10 -C 1 -N -t camera-appliance/camera/picture > picture.jpg
```
"""

_HOME_ASSISTANT = """\
## Home Assistant

If MQTT is set up in Home Assistant, the camera is discovered as one device with the camera, the last picture, a button
that takes a picture, a privacy switch, all controls of the camera, the resolution, and sensors. Controls that an
automatic mode governs are unavailable while it is on. The device is announced on
`<mqtt.discovery_prefix>/device/<base topic>-<name>/config`, at each connect and whenever Home Assistant publishes
`online` on `mqtt.birth_topic`. `mqtt.discovery = false` disables discovery.

For video at full rate, add the integration **MJPEG IP Camera** with the address `http://<the Pi>:8000/stream.mjpg` and
the still image `http://<the Pi>:8000/snapshot.jpg`.

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

Import this flow: it takes a picture every hour, saves every picture, and has a button that sets the brightness. Set
your broker in the node `broker`, and your file in the node `save`.

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

openHAB 5.2 and later supports the Home Assistant discovery of this device. For older versions, install the add-ons
**MQTT Binding** and **JSONPath Transformation**, and write a `.things` file. Take `min`, `max` and `step` from the
result of the command `get_controls`.

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

A dimmer shows percentages of the range: 0 % is `min`, 100 % is `max`, and other values are rounded to the step. Any
text sent to `take` takes a picture, including `OFF`, so a Switch item linked to it should not use `expire`.
"""


def document(commands: Sequence[Declaration], events: Iterable[Event]) -> str:
    """Return the text as Markdown."""
    rules = _RULES.format(
        any_payload=_names(each for each in commands if each.takes_any_payload),
        buttons=_names(each for each in commands if each.is_button and not each.takes_any_payload),
        presses=", ".join(f"`{each.upper()}`" for each in sorted(PRESSES)),
    )
    parts = [
        _INTRODUCTION,
        "## Topics\n",
        *_table(),
        "",
        "## Events\n",
        "Published on `event`, as JSON with `event_type`, `time` and the members below.\n",
        *_events(events),
        "",
    ]
    return "\n".join([*parts, "## Rules\n", rules, _TRY, _HOME_ASSISTANT, _NODE_RED, _OPENHAB])


def _events(events: Iterable[Event]) -> Iterator[str]:
    yield "| event_type | description | members |"
    yield "| --- | --- | --- |"
    for event in events:
        if event.bus:
            yield f"| `{event.name}` | {event.help} | {', '.join(f'`{each}`' for each in event.data)} |"


def _names(commands: Iterable[Declaration]) -> str:
    return ", ".join(f"`{each.name}`" for each in commands)


def _table() -> Iterator[str]:
    yield "| topic, below `<base>/<name>/` | content | description | retained | QoS |"
    yield "| --- | --- | --- | --- | --- |"
    for topic in TOPICS:
        path = topic.path.replace("{", "<").replace("}", ">")
        retained = "yes" if topic.retained else "no"
        yield f"| `{path}` | {_content(topic)} | {topic.help} | {retained} | {topic.qos} |"


def _content(topic: Topic) -> str:
    return {"text": "plain text", "jpeg": "JPEG"}.get(topic.content, "JSON")
