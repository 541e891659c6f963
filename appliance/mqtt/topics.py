"""The MQTT topics: declaration, formatting and parsing."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_MAX_LEVELS, _MAX_LENGTH = 64, 1024  # levels and bytes of a Response Topic


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic below the root.

    `content` is `text`, `jpeg`, or the name of a JSON schema. The appliance subscribes to `received` topics.
    """

    path: str
    content: str
    help: str
    retained: bool = False
    qos: int = 1
    received: bool = False


AVAILABILITY, CAMERA, STATE, PRIVACY = "availability", "camera", "state", "privacy"
CONTROLS, CONTROLS_AVAILABILITY = "controls", "controls/availability"
PICTURE, PICTURE_INFO, LIVE, EVENT = "picture", "picture/info", "live", "event"

TOPICS: tuple[Topic, ...] = (
    Topic(
        AVAILABILITY,
        "text",
        "`online` or `offline`: whether the appliance is connected. Also the topic of its will.",
        retained=True,
    ),
    Topic(
        CAMERA,
        "text",
        "`online` or `offline`: whether the camera is usable. The reason is in `state`.",
        retained=True,
    ),
    Topic(STATE, "State", "The result of `get_state`, on a change and every 30 s.", retained=True),
    Topic(CONTROLS, "Values", "The values of all controls, on a change.", retained=True),
    Topic(
        CONTROLS_AVAILABILITY,
        "Availabilities",
        "`online` or `offline` for each control; a control governed by an automatic mode is offline.",
        retained=True,
    ),
    Topic(PRIVACY, "text", "`ON` or `OFF`: whether privacy is on and the camera is closed.", retained=True),
    Topic(PICTURE, "jpeg", "The last picture, reduced if it is too large.", retained=True),
    Topic(PICTURE_INFO, "PictureInfo", "The metadata of that picture.", retained=True),
    Topic(LIVE, "jpeg", "The live picture, every `mqtt.live_interval` seconds.", retained=True, qos=0),
    Topic(EVENT, "Event", "An event of the appliance."),
    Topic("response/{command}", "Answer", "The response to a command without a Response Topic."),
    Topic(
        "command/{command}",
        "Arguments",
        "Run a command, with arguments as a JSON object. A command without arguments accepts any payload.",
        received=True,
    ),
    Topic(
        "controls/set",
        "Values",
        "Set several controls, all or none. The response is that of `set_controls`.",
        received=True,
    ),
    Topic(
        "controls/{control}/set",
        "text",
        "Set a control to a plain value: `60`, `12.8`, `on`, `50 Hz`. The response is that of `set_controls`.",
        received=True,
    ),
    Topic("privacy/set", "text", "`ON` or `OFF`. The response is that of `set_privacy`.", received=True),
)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one camera, all below `<base>/<name>`."""

    base: str
    name: str

    @property
    def root(self) -> str:
        """The prefix of all topics, without the trailing slash."""
        return f"{self.base}/{self.name}"

    def of(self, path: str) -> str:
        """Return the full topic of a path such as `state`."""
        return f"{self.root}/{path}"

    def response(self, command: str) -> str:
        """Return the topic of the response to a command without a Response Topic."""
        return f"{self.root}/response/{command}"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topic filters to subscribe to."""
        return tuple(self.of(re.sub(r"{\w+}", "+", topic.path)) for topic in TOPICS if topic.received)

    def is_own(self, topic: str) -> bool:
        """Return whether the topic is one of the appliance, except responses: a response there would be misleading."""
        return topic.startswith(f"{self.root}/") and not topic.startswith(f"{self.root}/response/")

    def is_valid_response_topic(self, topic: str) -> bool:
        """Return whether a topic is valid as a Response Topic, and not one of the appliance.

        Topics that begin with `$` belong to the broker, and mosquitto closes the connection for more than 200 levels.
        """
        is_name = bool(topic) and not topic.startswith("$") and not set(topic) & set("+#\0")
        is_short = topic.count("/") < _MAX_LEVELS and len(topic.encode()) <= _MAX_LENGTH
        return is_name and is_short and not self.is_own(topic)

    def request(self, topic: str) -> tuple[str | None, str | None]:
        """Return the command of a topic, and the name of the argument if the payload is a plain value.

        The command is None if the topic contains none.
        """
        if topic == self.of("privacy/set"):
            return "set_privacy", "on"
        if control := self.control(topic):
            return "set_controls", control
        if self.is_controls(topic):
            return "set_controls", None
        return self.command(topic), None

    def command(self, topic: str) -> str | None:
        """Return the command in a topic, or None if its name is invalid."""
        name = topic.removeprefix(f"{self.root}/command/")
        return name if name != topic and _NAME.fullmatch(name) else None

    def is_controls(self, topic: str) -> bool:
        """Return whether the topic takes a JSON object of control values."""
        return topic == self.of("controls/set")

    def control(self, topic: str) -> str | None:
        """Return the control in a topic, or None."""
        name = topic.removeprefix(f"{self.root}/controls/").removesuffix("/set")
        return name if topic == f"{self.root}/controls/{name}/set" and _NAME.fullmatch(name) else None
