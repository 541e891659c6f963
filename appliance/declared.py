"""All declarations of the appliance: errors, settings, commands, events and facts."""

from appliance import errors
from appliance.commands import declarations
from appliance.events import Event
from appliance.facts import Fact
from appliance.features import FEATURES
from appliance.http import errors as http_errors
from appliance.http import facts as http
from appliance.mqtt import facts as mqtt
from appliance.service import camera, pictures, status
from appliance.settings import Sections

SERVICES: tuple[type[status.StatusService | camera.CameraService | pictures.PictureService], ...] = (
    status.StatusService,
    camera.CameraService,
    pictures.PictureService,
)

ERRORS = (*errors.ERRORS, *http_errors.ERRORS)
SETTINGS = Sections({feature.name: feature.settings for feature in FEATURES if feature.settings})
COMMANDS = tuple(declarations(*SERVICES, *FEATURES))
EVENTS: tuple[Event, ...] = (
    *(event for part in (*SERVICES, *FEATURES) for event in part.events),
    *mqtt.EVENTS,
)
FACTS: tuple[Fact, ...] = (
    *camera.FACTS,
    *http.FACTS,
    *mqtt.FACTS,
    *pictures.FACTS,
    *(fact for feature in FEATURES for fact in feature.facts),
    *status.FACTS,
)
"""All facts, in the order in which the page lists those that have a label."""
