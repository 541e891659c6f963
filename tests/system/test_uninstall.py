"""Taking the cameras away again leaves the pictures, and says where."""

from tests.system.cameras import PORCH, ask
from tests.system.deployment import Deployment


def test_uninstalling_leaves_nothing_but_the_pictures(deployed: Deployment) -> None:
    assert ask(PORCH, "/api/pictures", "POST").status == 201
    run = deployed.run("uninstall.yml")
    assert run.status == 0, run.text
    assert "/var/lib/camera-appliance" in run.words
    machine = deployed.machine
    left = machine.run("find", "/etc", "/opt", "/run", "-name", "*camera*appliance*").stdout
    assert left == ""
    assert machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "camera-appliance*").stdout == ""
    assert machine.read("find", "/srv/disk/porch/pictures", "-name", "*.jpg") != ""


def test_uninstalling_twice_changes_nothing(deployed: Deployment) -> None:
    run = deployed.run("uninstall.yml")
    assert (run.status, run.changed) == (0, 0), run.text
