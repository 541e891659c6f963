"""Prepare what needs the Internet, then run the tests on a network of their own: python -m tests.vm."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.system.__main__ import ALONE, ROOT, gather, obstacle
from tests.vm.hardware import HARDWARE, Hardware, chosen
from tests.vm.image import image

REGISTERED = Path("/proc/sys/fs/binfmt_misc")


def understand(hardware: Hardware) -> None:
    """Let the kernel run foreign programs, for Debian's installation. Raises CalledProcessError, or OSError.

    systemd does this at boot where qemu-user-static is installed; in a container nobody has.
    """
    name = f"qemu-{hardware.machine}"
    if hardware.is_ours or (REGISTERED / name).exists():
        return
    if not (REGISTERED / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(REGISTERED)], check=True)
    if not (REGISTERED / name).exists():
        rule = Path(f"/usr/lib/binfmt.d/{name}.conf").read_text(encoding="utf-8")
        (REGISTERED / "register").write_text(rule, encoding="utf-8")


def main() -> int:
    """Run the tests and return their exit status."""
    try:
        hardware = chosen()
    except KeyError as unknown:
        print(f"ARCH {unknown} is not known; it may be {' or '.join(HARDWARE)}", file=sys.stderr)
        return 1
    if reason := obstacle(hardware.emulator[0], "mkfs.ext4", "mkfs.vfat", "sfdisk", "mcopy"):
        print(reason, file=sys.stderr)
        return 1
    understand(hardware)
    started_at = time.monotonic()
    print(f"the image of the card: {image(hardware)}", flush=True)
    environment = os.environ | {"IMAGE_SECONDS": f"{time.monotonic() - started_at:.0f}"}
    gather(hardware.machine)
    pytest = [sys.executable, "-m", "pytest", "--no-header", "-p", "no:cacheprovider", "tests/vm", *sys.argv[1:]]
    alone = [*ALONE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *pytest]
    return subprocess.run(alone, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
