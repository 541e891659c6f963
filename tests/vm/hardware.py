"""The two machines that QEMU plays: a PC and, with the Pi's instruction set, a board of ARM."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Hardware:
    """What is different between them: Debian's name, the kernel's name, QEMU's words, where the console is."""

    architecture: str
    machine: str
    emulator: tuple[str, ...]
    console: str

    @property
    def is_ours(self) -> bool:
        """Whether this computer runs its programs itself."""
        return os.uname().machine == self.machine


# KVM is left out on purpose: /dev/kvm opens in many a container in which no kernel boots, so nothing that can be
# asked beforehand says whether it works. The processors are the oldest that do: Nehalem is what numpy needs, and with
# `max` OpenCV would use AVX, which costs TCG two to five times as much to play.
HARDWARE = {
    hardware.architecture: hardware
    for hardware in (
        Hardware(
            "amd64", "x86_64", ("qemu-system-x86_64", "-machine", "q35,sata=off,smbus=off", "-cpu", "Nehalem"), "ttyS0"
        ),
        Hardware("arm64", "aarch64", ("qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72"), "ttyAMA0"),
    )
}


def chosen() -> Hardware:
    """Return the hardware that ARCH names; without it, amd64. Raises KeyError."""
    return HARDWARE[os.environ.get("ARCH") or "amd64"]
