"""A computer in QEMU that boots from a card, as a Pi does: kernel, command line and all come from the card.

What the Pi's firmware does is done here: it reads the first partition, and tells the kernel where the serial port is.
Everything is emulated (TCG), a second of the Pi's takes several here: times are for comparing with each other alone.
"""

import socket
import subprocess
import time
from pathlib import Path

from deploy.flash.fat import BootFiles
from tests.running import eventually
from tests.system.cameras import PORCH
from tests.system.host import Host
from tests.vm.hardware import Hardware
from tests.vm.image import BOOT_START, INITRD, KERNEL

MEMORY = 1024  # MB, as a small Pi has
SSH, MQTT = 2222, 1883
FORWARDED = {SSH: 22, PORCH: 8000, MQTT: 1883}  # ports here, and there
BOOTS_WITHIN = 1200.0  # s; the first boot of a foreign processor on a busy computer is the slowest
STOPS_WITHIN = 120.0  # s
# None of these makes a difference to what is tested, and each would cost an emulated processor a lot.
FASTER = "mitigations=off nokaslr systemd.ssh_auto=no"
# systemd gives up on a disk or a service after 90 s: on a busy computer that is not enough.
PATIENT = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900"


class VirtualMachine(Host):
    """One computer and its card. At the end of the context it is switched off, whatever it does."""

    port = SSH

    def __init__(self, hardware: Hardware, card: Path, work: Path) -> None:
        super().__init__(work)
        self.log = work / "console.log"
        self.card = card
        self._hardware = hardware
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None
        self.powered_on_at = 0.0

    def __enter__(self) -> "VirtualMachine":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self.power_cut()

    @property
    def ssh_arguments(self) -> list[str]:
        """What ssh needs; one connection is shared by all that come, because its beginning costs most."""
        silence = ("ServerAliveInterval=20", "ServerAliveCountMax=10")  # who talks to one that reboots hears nothing
        options = [part for option in ("ConnectTimeout=30", *silence) for part in ("-o", option)]
        return [*super().ssh_arguments, *options]

    def ssh(self, *command: str) -> list[str]:
        """Return the command that runs a command there, as root, over the connection that is open."""
        program, *arguments = super().ssh(*command)
        return [program, "-S", str(self._shared), *arguments]

    @property
    def _shared(self) -> Path:
        return self._work / "ssh"

    def power_on(self) -> None:
        """Switch it on, and come back at once."""
        boot = BootFiles(Path(f"{self.card}@@{BOOT_START}"))
        for name in (KERNEL, INITRD):
            (self._work / name).write_bytes(boot.read(name))
        words = (
            boot.read("cmdline.txt").decode().strip().replace("console=serial0", f"console={self._hardware.console}")
        )
        forwarded = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in FORWARDED.items())
        command = [
            *(*self._hardware.emulator, "-accel", "tcg,thread=multi,tb-size=1024", "-smp", "2", "-m", str(MEMORY)),
            *("-nodefaults", "-display", "none", "-serial", f"file:{self.log}"),
            *(
                "-kernel",
                str(self._work / KERNEL),
                "-initrd",
                str(self._work / INITRD),
                "-append",
                f"{words} {FASTER} {PATIENT}",
            ),
            *("-drive", f"file={self.card},format=raw,if=virtio,cache=writeback", "-device", "virtio-rng-pci"),
            *("-netdev", f"user,id=cable{forwarded}", "-device", "virtio-net-pci,netdev=cable,romfile="),
        ]
        self.powered_on_at = time.monotonic()
        # A session of its own: Ctrl-C is for the tests, which then end it.
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def power_cut(self) -> None:
        """Take its power away. What it has written to the card is there, what it meant to write is not."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def power_off(self) -> None:
        """Let it shut down by itself."""
        assert self._process
        self.run("systemctl", "poweroff")
        self._process.wait(STOPS_WITHIN)

    def reboot(self) -> None:
        """Let it boot anew by itself, and wait for that."""
        former = self.boot
        self.run("systemctl", "reboot")
        self.until_up(former)

    def _hang_up(self) -> None:
        subprocess.run(["ssh", "-S", str(self._shared), "-O", "exit", "nobody"], capture_output=True, check=False)
        self._shared.unlink(missing_ok=True)

    @property
    def boot(self) -> str:
        """What only this boot is called; '' where nobody answers."""
        try:
            return self.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()
        except subprocess.TimeoutExpired:
            return ""

    def until_up(self, former: str = "") -> None:
        """Wait until somebody can log in, after the boot called `former`, and everything has been started."""
        self._hang_up()
        eventually(self._answers, "an SSH server", BOOTS_WITHIN)
        eventually(lambda: self._is_running and self.boot not in ("", former), "a boot", BOOTS_WITHIN)
        master = ["ssh", *self.ssh_arguments, "-p", str(self.port), "-S", str(self._shared), "-M", "-N", "-f"]
        subprocess.run(
            [*master, "deploy@127.0.0.1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        eventually(self._is_up, "a system that has been started", BOOTS_WITHIN)

    @property
    def _is_running(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(f"QEMU has ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        return True

    def _answers(self) -> bool:
        """Whether SSH says a word: QEMU takes connections also while nobody there does."""
        assert self._is_running
        try:
            with socket.create_connection(("127.0.0.1", SSH), 5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _is_up(self) -> bool:
        return self.run("systemctl", "is-system-running", "--wait").stdout.strip() in ("running", "degraded")
