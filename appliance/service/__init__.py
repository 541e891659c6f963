"""The verbs of the appliance, by subject, as HTTP and MQTT both offer them."""

from typing import NamedTuple

from appliance.service.camera import CameraService
from appliance.service.pictures import PictureService
from appliance.service.status import StatusService


class Appliance(NamedTuple):
    """One camera with its pictures and its state."""

    status: StatusService
    camera: CameraService
    pictures: PictureService
