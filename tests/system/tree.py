"""The files of the Debian that is booted: made once from the archive, then kept outside of the checkout."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

SUITE = "trixie"
PYTHON = "3.13"  # that Debian has it
MIRROR = "http://deb.debian.org/debian"
ACCOUNT = "deploy"
PACKAGES = (
    "avahi-daemon",
    "dbus",
    "iproute2",
    "libpam-systemd",
    "mosquitto",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd-sysv",
    "unattended-upgrades",
)
# Like a fresh Raspberry Pi OS: an account with a key that may use sudo without a password, and nothing of the options
# of the role. Nothing may look for the Internet or wait for it: there is none.
_FINISH = f"""\
set -eu
root=$1
chroot "$root" useradd --create-home --shell /bin/bash {ACCOUNT}
echo '{ACCOUNT} ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/{ACCOUNT}"
install -d -m 700 "$root/home/{ACCOUNT}/.ssh"
chroot "$root" chown {ACCOUNT}: /home/{ACCOUNT}/.ssh
rm -f "$root"/etc/ssh/ssh_host_*
printf 'ListenAddress 127.0.0.1\\nUseDNS no\\n' > "$root/etc/ssh/sshd_config.d/rig.conf"
printf '127.0.0.1 localhost\\n::1 localhost\\n' > "$root/etc/hosts"
: > "$root/etc/machine-id"
chroot "$root" systemctl --quiet disable mosquitto.service avahi-daemon.service avahi-daemon.socket \\
  unattended-upgrades.service nftables.service apt-daily.timer apt-daily-upgrade.timer
chroot "$root" systemctl --quiet mask systemd-networkd.service systemd-udevd.service
chroot "$root" apt-get clean
"""


def cache() -> Path:
    """Return the folder for what may be kept between runs; it is made when missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "camera-appliance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tree() -> Path:
    """Return the folder of the tree; build it where its description is new. Raises CalledProcessError."""
    description = "\n".join((SUITE, *PACKAGES, _FINISH))
    folder = cache() / f"debian-{SUITE}-{hashlib.sha256(description.encode()).hexdigest()[:12]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as work:
            _build(Path(work))
            for older in cache().glob("debian-*"):
                shutil.rmtree(older)
            (Path(work) / "root").rename(folder)
    return folder


def _build(work: Path) -> None:
    finish = work / "finish"
    finish.write_text(_FINISH, encoding="utf-8")
    bootstrap(work / "root", PACKAGES, f'--customize-hook=sh {finish} "$1"')


def bootstrap(root: Path, packages: Sequence[str], *options: str) -> None:
    """Install a minimal Debian with these packages into a new folder. Raises CalledProcessError."""
    nowhere = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=apt"),
            "--aptopt=APT::Install-Recommends false",
            "--dpkgopt=force-unsafe-io",
            *nowhere,
            f"--include={','.join(packages)}",
            *options,
            *(SUITE, str(root), f"deb {MIRROR} {SUITE} main"),
        ],
        check=True,
    )
