"""The commands of the appliance, by subject, for HTTP and MQTT alike."""

from typing import NamedTuple

from appliance.service.camera import CameraService
from appliance.service.pictures import PictureService
from appliance.service.status import StatusService


class Appliance(NamedTuple):
    """One camera with its pictures and its state."""

    status: StatusService
    camera: CameraService
    pictures: PictureService
