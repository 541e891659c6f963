"""The facts and events of MQTT."""

from appliance.events import Event
from appliance.facts import TEXT, Fact, Metric, choice, members, nullable

FACTS = (
    Fact(
        "mqtt",
        members(state=choice("off", "connecting", "connected", "refused"), reason=nullable(TEXT)),
        "The connection to the broker, and the reason if there is none.",
        lambda bridge: bridge.status(),
        label="MQTT",
        metric=Metric(
            "mqtt_connected",
            "Whether the broker is connected.",
            value=lambda mqtt: None if mqtt["state"] == "off" else float(mqtt["state"] == "connected"),
        ),
        absent={"state": "off", "reason": None},
    ),
)
COMMAND_REFUSED = Event(
    "command_refused", "A command over MQTT was refused.", {"command": TEXT, "code": TEXT, "message": TEXT}
)
EVENTS = (COMMAND_REFUSED,)
