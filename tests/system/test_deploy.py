"""A deployment brings cameras that work, changes nothing the second time, and shows before what it would do."""

import json
import re

from tests.deploy.ansible import ROLE
from tests.system.cameras import CAMERAS, PORCH, YARD, ask, basic
from tests.system.deployment import Deployment, Run


def test_the_first_deployment_brings_every_camera_live(first: Run) -> None:
    for port, name in ((PORCH, "porch"), (YARD, "yard")):
        assert ask(port, "/healthz").status == 200
        assert ask(port, "/api/state").json["name"] == name
        assert ask(port, "/snapshot.jpg").body.startswith(b"\xff\xd8")


def test_a_camera_that_others_can_reach_has_a_password_shown_once(first: Run, second: Run) -> None:
    shown = re.findall(r"porch: log in as admin with the password (\w{20})", first.words)
    assert len(shown) == 1
    assert shown[0] not in second.text
    assert ask(PORCH, "/api/state", authorization=basic("admin", "guessed")).status == 401
    assert ask(PORCH, "/api/state", authorization=basic("admin", shown[0])).status == 200
    assert "yard: log in" not in first.words, "only the machine itself reaches it"


def test_a_second_deployment_changes_nothing(second: Run) -> None:
    assert (second.status, second.changed) == (0, 0), second.text


def test_check_mode_shows_what_would_change_and_does_not_change_it(deployed: Deployment) -> None:
    slower = [CAMERAS[0] | {"settings": {**CAMERAS[0]["settings"], "log": {"level": "debug"}}}, CAMERAS[1]]
    run = deployed.deploy("--check", "--diff", camera_appliance_cameras=slower)
    assert run.status == 0, run.text
    assert '+level = "debug"' in run.text
    assert "debug" not in deployed.machine.read("cat", "/etc/camera-appliance/porch.toml")


def test_the_host_needs_neither_a_compiler_nor_pip(deployed: Deployment) -> None:
    for tool in ("cc", "gcc", "pip", "pip3"):
        assert deployed.machine.run("which", tool).returncode != 0, tool
    assert deployed.machine.run("python3", "-c", "import ensurepip").returncode != 0


def test_the_release_is_compiled_and_closed_to_all_but_root(deployed: Deployment) -> None:
    release = deployed.machine.read("readlink", "-f", "/opt/camera-appliance/current")
    assert deployed.machine.read("find", release, "-perm", "/022", "!", "-type", "l") == ""
    assert deployed.machine.read("find", release, "-name", "daemon.cpython-*.pyc") != ""


def test_secrets_are_for_root_alone_and_printed_nowhere(deployed: Deployment, first: Run) -> None:
    machine = deployed.machine
    folder = "/etc/camera-appliance/credentials"
    for path, mode in ((folder, "700"), (f"{folder}/porch", "700"), (f"{folder}/porch/mqtt-password", "600")):
        assert machine.read("stat", "--format=%a %U", path) == f"{mode} root"
    assert machine.read("cat", f"{folder}/porch/mqtt-password") not in first.text
    assert "swordfish" not in first.text
    assert machine.run("journalctl", "--grep=swordfis[h]", "--quiet").stdout == ""


def test_a_configuration_refused_by_the_release_changes_nothing(deployed: Deployment) -> None:
    before = deployed.machine.read("sha256sum", "/etc/camera-appliance/porch.toml")
    started = deployed.machine.property("camera-appliance@porch", "InvocationID")
    wrong = [CAMERAS[1], CAMERAS[0] | {"settings": {"http": {"port": 99999}}}]
    run = deployed.deploy(camera_appliance_cameras=wrong)
    assert run.status != 0
    assert "http.port: 99999 is not a whole number" in run.words
    assert deployed.machine.read("sha256sum", "/etc/camera-appliance/porch.toml") == before
    assert deployed.machine.property("camera-appliance@porch", "InvocationID") == started


def test_a_fleet_asks_every_camera_how_it_is(deployed: Deployment) -> None:
    script = (ROLE / "files" / "cameras.py").read_text(encoding="utf-8")
    question = json.dumps({"configuration": "/etc/camera-appliance", "names": [], "prove": 0, "dark": []})
    answer = deployed.machine.run("/opt/camera-appliance/current/bin/python", "-c", script, stdin=question)
    rows = {row["camera"]: row for row in json.loads(answer.stdout)}
    assert {name: row["state"] for name, row in rows.items()} == {"porch": "online", "yard": "online"}
