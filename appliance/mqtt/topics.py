"""The grammar of our topics, in both directions. Nothing here knows a broker."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one camera, all below `<base>/<name>`."""

    base: str
    name: str

    @property
    def root(self) -> str:
        """What all topics begin with, without the slash."""
        return f"{self.base}/{self.name}"

    @property
    def availability(self) -> str:
        """`online` or `offline`, retained: whether the appliance is connected."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """The state as JSON, retained."""
        return f"{self.root}/state"

    @property
    def controls(self) -> str:
        """The values of all controls as JSON, retained."""
        return f"{self.root}/controls"

    @property
    def privacy(self) -> str:
        """`ON` or `OFF`, retained: whether the camera has to stay closed."""
        return f"{self.root}/privacy"

    @property
    def picture(self) -> str:
        """The JPEG of the picture taken last, retained."""
        return f"{self.root}/picture"

    def response(self, command: str) -> str:
        """Where the answer to a command goes that names no topic for it."""
        return f"{self.root}/response/{command}"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Every topic that we listen to."""
        root = self.root
        return f"{root}/command/+", f"{root}/controls/set", f"{root}/controls/+/set", f"{root}/privacy/set"

    def is_ours(self, topic: str) -> bool:
        """Tell whether we listen to the topic: answering there would be talking to ourselves."""
        return topic.startswith((f"{self.root}/command/", f"{self.root}/controls/", f"{self.privacy}/"))

    def request(self, topic: str) -> tuple[str | None, str | None]:
        """Return the command that a message on the topic gives, and the argument that its plain payload is, if it is.

        The command is None where the topic names none.
        """
        if topic == f"{self.privacy}/set":
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
        """Tell whether the topic takes a JSON object of control values."""
        return topic == f"{self.controls}/set"

    def control(self, topic: str) -> str | None:
        """Return the control whose value a message on the topic sets."""
        name = topic.removeprefix(f"{self.controls}/").removesuffix("/set")
        return name if topic == f"{self.controls}/{name}/set" and _NAME.fullmatch(name) else None
