"""What systemd and the kernel see to, where nspawn cannot show it: real memory, a real device."""

from tests.running import eventually
from tests.vm.camera import PATIENCE, UNIT, ask, is_live
from tests.vm.machine import VirtualMachine


def test_the_watchdog_restarts_a_camera_that_stands_still(host: VirtualMachine) -> None:
    former = host.property(UNIT, "MainPID")
    host.read("kill", "-STOP", former)
    eventually(lambda: host.property(UNIT, "MainPID") not in (former, "0") and is_live(), "its return", PATIENCE)
    said = host.read("journalctl", f"--unit={UNIT}", "--output=cat", "--grep=Watchdog timeout", "--quiet")
    assert "Watchdog timeout" in said


def test_the_service_stays_below_its_memory_limit_and_restarts_when_killed(
    host: VirtualMachine,
) -> None:
    limit = int(host.property(UNIT, "MemoryMax"))
    assert 0 < int(host.property(UNIT, "MemoryCurrent")) < limit == 512 * 1024 * 1024
    broker = host.property("mosquitto.service", "MainPID")
    former = host.property(UNIT, "MainPID")
    host.read("systemctl", "set-property", "--runtime", UNIT, "MemoryMax=32M")
    eventually(lambda: "oom-kill" in ends_of(host), "an end by the kernel", PATIENCE)
    host.read("systemctl", "set-property", "--runtime", UNIT, f"MemoryMax={limit}")
    eventually(lambda: host.property(UNIT, "MainPID") not in (former, "0") and is_live(), "its return", PATIENCE)
    assert host.property("mosquitto.service", "MainPID") == broker, "nobody else had to give way"
    assert ask("/snapshot.jpg").status == 200


def ends_of(host: VirtualMachine) -> str:
    """Return why systemd has seen the unit fail in this boot."""
    return host.run(
        "journalctl", f"UNIT={UNIT}", "--boot", "--output=cat", "--grep=Failed with result", "--quiet"
    ).stdout
