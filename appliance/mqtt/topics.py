"""The grammar of our topics, in both directions, and what each is for. Nothing here knows a broker."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_MAX_LEVELS, _MAX_LENGTH = 64, 1024  # levels and bytes of a topic that we publish on because somebody asks for it


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic below the root: what is on it, and for whom.

    `content` is `text`, `jpeg`, or the name of a schema of JSON. `received` topics are those we listen to.
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
        AVAILABILITY, "text", "`online` or `offline`: whether the appliance is connected. Also its will.", retained=True
    ),
    Topic(
        CAMERA,
        "text",
        "`online` or `offline`: whether the camera itself can be used. The reason is in `state`.",
        retained=True,
    ),
    Topic(STATE, "State", "Everything that changes, as `get_state`; on a change and every 30 s.", retained=True),
    Topic(CONTROLS, "Values", "The values of all controls, on a change.", retained=True),
    Topic(
        CONTROLS_AVAILABILITY,
        "Availabilities",
        "`online` or `offline` for each control; one that an automatic mode governs is offline.",
        retained=True,
    ),
    Topic(PRIVACY, "text", "`ON` or `OFF`: whether the camera has to stay closed.", retained=True),
    Topic(PICTURE, "jpeg", "The picture taken last, made smaller where it is too large.", retained=True),
    Topic(PICTURE_INFO, "PictureInfo", "What is known of that picture.", retained=True),
    Topic(LIVE, "jpeg", "The live picture, every `mqtt.live_interval` seconds.", retained=True, qos=0),
    Topic(EVENT, "Event", "Something happened."),
    Topic("response/{command}", "Answer", "The answer to a command, where it names no Response Topic of its own."),
    Topic(
        "command/{command}",
        "Arguments",
        "Run a command, with arguments as a JSON object. One that has none is run by any payload.",
        received=True,
    ),
    Topic("controls/set", "Values", "Set controls, all of them or none. Answered as `set_controls`.", received=True),
    Topic(
        "controls/{control}/set",
        "text",
        "Set one control to a plain value: `60`, `12.8`, `on`, `50 Hz`. Answered as `set_controls`.",
        received=True,
    ),
    Topic("privacy/set", "text", "`ON` or `OFF`. Answered as `set_privacy`.", received=True),
)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one camera, all below `<base>/<name>`."""

    base: str
    name: str

    @property
    def root(self) -> str:
        """What all topics begin with, without the slash."""
        return f"{self.base}/{self.name}"

    def of(self, path: str) -> str:
        """Return the whole topic of a path such as `state`."""
        return f"{self.root}/{path}"

    def response(self, command: str) -> str:
        """Where the answer to a command goes that names no topic for it."""
        return f"{self.root}/response/{command}"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Every topic that we listen to."""
        return tuple(self.of(re.sub(r"{\w+}", "+", topic.path)) for topic in TOPICS if topic.received)

    def is_ours(self, topic: str) -> bool:
        """Return whether we listen to the topic or publish on it by ourselves: an answer there would deceive."""
        return topic.startswith(f"{self.root}/") and not topic.startswith(f"{self.root}/response/")

    def can_answer_on(self, topic: str) -> bool:
        """Return whether a broker takes an answer there, and nobody takes it for something else that we say.

        Names that begin with `$` are the broker's own, and mosquitto ends the connection for more than 200 levels.
        """
        is_name = bool(topic) and not topic.startswith("$") and not set(topic) & set("+#\0")
        is_short = topic.count("/") < _MAX_LEVELS and len(topic.encode()) <= _MAX_LENGTH
        return is_name and is_short and not self.is_ours(topic)

    def request(self, topic: str) -> tuple[str | None, str | None]:
        """Return the command that a message on the topic gives, and the argument that its plain payload is, if it is.

        The command is None where the topic names none.
        """
        if topic == self.of("privacy/set"):
            return "set_privacy", "on"
        if control := self.control(topic):
            return "set_controls", control
        if self.is_controls(topic):
            return "set_controls", None
        return self.command(topic), None

    def command(self, topic: str) -> str | None:
        """Return the command that a message on the topic gives; None where its name cannot be one."""
        name = topic.removeprefix(f"{self.root}/command/")
        return name if name != topic and _NAME.fullmatch(name) else None

    def is_controls(self, topic: str) -> bool:
        """Return whether the topic takes a JSON object of control values."""
        return topic == self.of("controls/set")

    def control(self, topic: str) -> str | None:
        """Return the control whose value a message on the topic sets."""
        name = topic.removeprefix(f"{self.root}/controls/").removesuffix("/set")
        return name if topic == f"{self.root}/controls/{name}/set" and _NAME.fullmatch(name) else None
