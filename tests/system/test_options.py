"""Everything around the cameras that the role can see to. The host has all of it."""

import json

from tests.running import eventually
from tests.system.cameras import MQTT_PASSWORD, PORCH, is_live
from tests.system.deployment import Deployment
from tests.system.machine import Machine


def subscribe(host: Machine, user: str, password: str, topic: str) -> tuple[int, str]:
    """Return the result code and the first message of a topic, asked for as a user of the broker."""
    code = (
        "import sys; from paho.mqtt import subscribe\n"
        "user, password, topic = sys.stdin.read().split('\\n')\n"
        "print(subscribe.simple(topic, auth={'username': user, 'password': password}).payload.decode())"
    )
    python = "/opt/camera-appliance/current/bin/python"
    ended = host.run("timeout", "10", python, "-c", code, stdin=f"{user}\n{password}\n{topic}")
    return ended.returncode, ended.stdout.strip()


def test_the_broker_admits_only_the_cameras_of_the_inventory(host: Machine) -> None:
    for name in ("porch", "yard"):
        topic = f"camera-appliance/{name}/availability"
        assert subscribe(host, "home", MQTT_PASSWORD, topic) == (0, "online")
    assert subscribe(host, "home", "guessed", "camera-appliance/porch/availability")[0] != 0


def test_a_camera_may_read_its_own_topics_and_not_those_of_others(host: Machine) -> None:
    password = host.read("cat", "/etc/camera-appliance/credentials/yard/mqtt-password")
    assert subscribe(host, "yard", password, "camera-appliance/yard/availability") == (0, "online")
    assert subscribe(host, "yard", password, "camera-appliance/porch/availability") == (124, "")


def test_the_broker_refuses_the_cameras_nothing_that_they_need(host: Machine) -> None:
    said = host.run("journalctl", "--unit=camera-appliance@*", "--priority=warning", "--output=cat").stdout
    assert "broker refused a subscription" not in said
    assert "ot authori" not in said


def test_a_camera_reconnects_when_the_broker_comes_back(host: Machine) -> None:
    host.read("systemctl", "restart", "mosquitto.service")
    topic = "camera-appliance/porch/availability"
    eventually(lambda: subscribe(host, "home", MQTT_PASSWORD, topic)[1] == "online", "the camera at the broker", 60)


def test_the_firewall_guards_the_cameras_and_nothing_else(host: Machine) -> None:
    rules = host.read("nft", "list", "table", "inet", "camera_appliance")
    assert "tcp dport { 1883, 8000, 8001 } drop" in rules
    host.read("ip", "address", "add", "203.0.113.1/32", "dev", "lo")
    asked = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2, ('203.0.113.1', 0))"
    # On the loopback everything is allowed, so the rule for it has to go for a moment.
    handle = host.read("nft", "--handle", "list", "chain", "inet", "camera_appliance", "input")
    number = next(line.rpartition("handle ")[2] for line in handle.splitlines() if '"lo"' in line)
    host.read("nft", "delete", "rule", "inet", "camera_appliance", "input", "handle", number)
    assert host.run("python3", "-c", asked, str(PORCH)).returncode != 0
    assert host.run("python3", "-c", asked, "22").returncode == 0
    host.read("systemctl", "restart", "camera-appliance-firewall.service")
    assert host.run("python3", "-c", asked, str(PORCH)).returncode == 0
    host.read("ip", "address", "del", "203.0.113.1/32", "dev", "lo")


def test_every_camera_is_announced_on_the_network(host: Machine) -> None:
    announced = host.read("ls", "/etc/avahi/services")
    assert "camera-appliance-porch.service" in announced
    assert "camera-appliance-yard.service" in announced
    host.read("systemctl", "start", "avahi-daemon.service")
    said = "journalctl", "--unit=avahi-daemon", "--output=cat"
    eventually(lambda: 'Service "porch" ' in host.read(*said), "the announcement")
    assert "Failed" not in host.read(*said)


def test_the_journal_outlives_a_reboot_within_its_limit(host: Machine) -> None:
    configuration = host.read("systemd-analyze", "cat-config", "systemd/journald.conf")
    assert "Storage=persistent" in configuration
    assert "SystemMaxUse=50M" in configuration
    assert host.read("ls", "/var/log/journal") != ""


def test_the_hardware_watchdog_is_asked_for_what_a_pi_can_count(host: Machine) -> None:
    assert host.read("systemctl", "show", "--value", "--property=RuntimeWatchdogUSec") == "15s"


def test_security_upgrades_are_installed_every_day(host: Machine) -> None:
    assert 'APT::Periodic::Unattended-Upgrade "1";' in host.read("apt-config", "dump")
    assert host.read("systemctl", "is-enabled", "apt-daily-upgrade.timer") == "enabled"


def test_pictures_lie_on_the_other_disk(host: Machine) -> None:
    assert is_live(PORCH)
    assert host.read("findmnt", "--noheadings", "--output=TARGET", "/var/lib/camera-appliance") != ""
    assert "porch" in host.read("ls", "/srv/disk")


def test_status_is_one_table_for_the_fleet(deployed: Deployment) -> None:
    table = deployed.work / "table"
    run = deployed.run("status.yml", "--extra-vars", json.dumps({"camera_appliance_table": str(table)}))
    assert run.status == 0, run.text
    rows = [line.split() for line in table.read_text().splitlines()]
    assert rows[0] == ["host", "camera", "version", "state", "fps", "frame", "age", "disk", "free"]
    assert [row[:2] + row[3:4] for row in rows[1:]] == [["porch", "porch", "online"], ["porch", "yard", "online"]]
