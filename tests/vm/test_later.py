"""What comes later to a camera that runs: the same deployment once more, and an update."""

from tests.system.deployment import Deployment, another
from tests.vm.camera import state
from tests.vm.conftest import TIMES
from tests.vm.machine import VirtualMachine


def test_a_second_deployment_changes_nothing(host: VirtualMachine, deployment: Deployment) -> None:
    run = deployment.deploy()
    TIMES["second deployment"] = run.seconds
    assert (run.status, run.changed) == (0, 0), run.text


def test_an_update_runs_the_new_version_with_the_pictures_of_the_former(
    host: VirtualMachine, deployment: Deployment
) -> None:
    pictures = state()["pictures"]
    deployment.wheel = another(deployment.wheel, deployment.work, "7.0.0")
    run = deployment.deploy()
    assert run.status == 0, run.text
    TIMES["update"] = run.seconds
    assert (state()["version"], state()["pictures"]) == ("7.0.0", pictures)
