"""What the unit's sandbox really refuses, tried from inside; and what systemd's own tools think of it."""

import json
import re

from tests.running import eventually
from tests.system.machine import Machine

WORST = 1.6  # of 10; `systemd-analyze security`
UNIT = "camera-appliance@probe.service"

# Each line is tried in the place of the daemon; the word says whether it has to work.
PROBES = """
import ctypes, json, mmap, os, socket, subprocess

PROBES = {
    "refused: write to /usr": lambda: open("/usr/x", "w"),
    "refused: write to /etc": lambda: open("/etc/x", "w"),
    "refused: write to its own release": lambda: open("/opt/camera-appliance/current/x", "w"),
    "refused: write to the state of another camera": lambda: open("/var/lib/camera-appliance/porch/x", "w"),
    "refused: read the passwords": lambda: os.listdir("/etc/camera-appliance/credentials"),
    "refused: see homes": lambda: os.listdir("/home/deploy"),
    "refused: see other processes": lambda: os.stat("/proc/1/status"),
    "refused: change the kernel": lambda: open("/proc/sys/kernel/hostname", "w"),
    "refused: write and execute the same memory": lambda: mmap.mmap(-1, 4096, prot=7),
    "refused: raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "refused: netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "refused: a file that runs as its owner": lambda: (open("a", "w").close(), os.chmod("a", 0o4755)),
    "refused: become root": lambda: subprocess.run(["sudo", "-n", "true"], check=True, capture_output=True),
    "refused: a new namespace": lambda: checked(ctypes.CDLL(None, use_errno=True).unshare(0x10000000)),
    "refused: mount": lambda: checked(ctypes.CDLL(None, use_errno=True).mount(b"t", b"/tmp", b"tmpfs", 0, None)),
    "refused: set the clock": lambda: __import__("time").clock_settime(0, 0),
    "refused: a device that is no camera": lambda: open("/dev/kmsg"),
    "allowed: write its own state": lambda: open(os.environ["STATE_DIRECTORY"] + "/x", "w").close(),
    "allowed: temporary files": lambda: open("/tmp/x", "w").close(),
    "allowed: TCP": lambda: socket.socket(),
    "allowed: harmless devices": lambda: open("/dev/urandom").close(),
    "allowed: read its password": lambda: open(os.environ["CREDENTIALS_DIRECTORY"] + "/mqtt-password").close(),
}

def checked(result):
    if result:
        raise OSError(ctypes.get_errno())

wrong = {}
for name, probe in PROBES.items():
    try:
        probe()
        outcome = "allowed"
    except (OSError, subprocess.CalledProcessError) as error:
        outcome = "refused"
    wrong |= {} if name.startswith(outcome) else {name: outcome}
groups = sorted(os.getgroups())
print("PROBED " + json.dumps({"wrong": wrong, "uid": os.getuid(), "groups": groups, "tried": len(PROBES)}), flush=True)
"""


def test_the_sandbox_refuses_what_a_camera_does_not_need(host: Machine) -> None:
    folder = f"/run/systemd/system/{UNIT}.d"
    host.read("mkdir", "--parents", folder)
    host.run("tee", "/etc/camera-appliance/probe.py", stdin=PROBES)
    python = "/opt/camera-appliance/current/bin/python /etc/camera-appliance/probe.py"
    host.run(
        "tee", f"{folder}/probe.conf", stdin=f"[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart={python}\n"
    )
    host.read("systemctl", "daemon-reload")
    ended = host.run("systemctl", "start", UNIT)
    said = host.read("journalctl", f"--unit={UNIT}", "--output=cat")
    for path in (folder, "/etc/camera-appliance/probe.py", "/var/lib/camera-appliance/probe"):
        host.read("rm", "--recursive", path)
    host.read("systemctl", "daemon-reload")
    assert ended.returncode == 0, said
    found = re.search(r"PROBED (.*)", said)
    assert found, said
    report = json.loads(found[1])
    assert report["tried"] == 22
    assert report["wrong"] == {}
    assert report["uid"] == int(host.read("id", "--user", "camera-appliance"))


def test_systemd_finds_nothing_to_say_about_the_units(host: Machine) -> None:
    for unit in ("camera-appliance@porch.service", "camera-appliance.target"):
        ended = host.run("systemd-analyze", "verify", unit)
        assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_the_sandbox_leaves_little_exposed(host: Machine) -> None:
    said = host.read("systemd-analyze", "security", "--no-pager", "camera-appliance@porch.service")
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert score, said
    assert float(score[1]) <= WORST, said


def test_a_camera_that_appears_late_is_waited_for_without_end(host: Machine) -> None:
    assert host.property("camera-appliance@porch", "StartLimitIntervalUSec") == "0"
    eventually(lambda: host.property("camera-appliance@porch", "ActiveState") == "active", "a running camera")
