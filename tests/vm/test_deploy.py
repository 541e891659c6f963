"""A deployment to a real kernel with a real device: the wheels of its processor, its driver, its groups."""

from tests.system.deployment import Run
from tests.vm.camera import DEVICE, state
from tests.vm.hardware import Hardware
from tests.vm.machine import VirtualMachine


def test_the_first_deployment_brings_the_usb_camera_live(first: Run, hardware: Hardware, host: VirtualMachine) -> None:
    assert host.read("uname", "--machine") == hardware.machine
    camera = state()
    assert (camera["camera"]["state"], camera["camera"]["source"]) == ("online", DEVICE)
    assert camera["format"]["granted"]["pixel_format"] == "MJPG"
    assert (camera["format"]["granted"]["width"], camera["format"]["granted"]["height"]) == (1280, 720)


def test_no_more_than_the_group_of_cameras_opens_the_device(host: VirtualMachine) -> None:
    node = host.read("readlink", "--canonicalize", DEVICE)
    assert host.read("stat", "--format=%U %G %a", node) == "root video 660"
    assert host.read("cat", f"/sys/class/video4linux/{node.removeprefix('/dev/')}/name") == "UVC Camera: UVC Camera"
