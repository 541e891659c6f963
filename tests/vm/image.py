"""An image as Raspberry Pi publishes them, of a Debian that QEMU can boot: made once, kept outside of the checkout.

As far as `make flash` and cloud-init can see it is one of Raspberry Pi OS: an MBR, a FAT partition `bootfs` with
kernel, `cmdline.txt` and commented templates of cloud-init's files, an ext4 root behind it that grows to the size of
the card; SSH is off, and the first account has no key. Firmware and kernel of a Pi cannot be had in QEMU; what the
firmware does (read kernel and command line from the first partition) is done by `machine`.

Sources: RPi-Distro/pi-gen, export-image/prerun.sh and stage2/04-cloud-init.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.flash.conftest import COMMAND_LINE, TEMPLATES, run
from tests.system.tree import SUITE, bootstrap, cache
from tests.vm.hardware import Hardware
from tests.vm.usb.usbip import PORT

MIB = 1024 * 1024
BOOT_START, BOOT_SIZE = 8 * MIB, 128 * MIB
ROOT_START, ROOT_SIZE = BOOT_START + BOOT_SIZE, 1100 * MIB
KERNEL, INITRD = "kernel.img", "initramfs"
TABLE = f"""\
label: dos
label-id: 0x1234abcd
1: start={BOOT_START // 512}, size={BOOT_SIZE // 512}, type=c
2: start={ROOT_START // 512}, type=83
"""
USB_HOST = "10.0.2.2"  # QEMU's name for the computer it runs on

PACKAGES = (
    *("cloud-init", "cloud-guest-utils", "fdisk", "netplan.io"),  # the first boot; two to grow the root
    *(
        "dbus",
        "dosfstools",
        "e2fsprogs",
        "iproute2",
        "kmod",
        "libpam-systemd",
        "procps",
        "sudo",
        "systemd-sysv",
        "udev",
    ),
    *("initramfs-tools", "zstd"),
    *("openssh-server", "python3", "python3-apt"),
    "mosquitto",  # an option of the role, which could not fetch it from here
)
# Only what QEMU's disk needs: a small one is unpacked in seconds, also where each instruction is emulated.
_BEFORE_THE_KERNEL = """\
set -eu
install -d "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\\nCOMPRESS=zstd\\nCOMPRESSLEVEL=3\\nRESUME=none\\n' > "$1/etc/initramfs-tools/conf.d/rig"
printf 'virtio_pci\\nvirtio_blk\\next4\\ncrc32c_generic\\n' > "$1/etc/initramfs-tools/modules"
"""
# Nothing may look for the Internet or wait for it: there is none.
_FINISH = """\
set -eu
root=$1
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf"
printf 'nameserver 10.0.2.3\\n' > "$root/etc/resolv.conf"
printf 'UseDNS no\\n' > "$root/etc/ssh/sshd_config.d/rig.conf"
printf 'raspberrypi\\n' > "$root/etc/hostname"
printf '127.0.0.1 localhost\\n::1 localhost\\n' > "$root/etc/hosts"
: > "$root/etc/machine-id"
chroot "$root" systemctl --quiet disable ssh.service mosquitto.service
chroot "$root" systemctl --quiet enable systemd-networkd.service
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \\
  fstrim.timer dpkg-db-backup.timer systemd-pstore.service
chroot "$root" apt-get clean
"""


def tree(hardware: Hardware) -> Path:
    """Return the folder of the system's files; build it where its description is new. Raises CalledProcessError."""
    packages = (f"linux-image-{hardware.architecture}", *PACKAGES)
    folder = cache() / f"card-{hardware.architecture}-{_digest(SUITE, *packages, _BEFORE_THE_KERNEL, _FINISH)}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as work:
            before, finish = Path(work) / "before", Path(work) / "finish"
            before.write_text(_BEFORE_THE_KERNEL, encoding="utf-8")
            finish.write_text(_FINISH, encoding="utf-8")
            hooks = (f'--essential-hook=sh {before} "$1"', f'--customize-hook=sh {finish} "$1"')
            bootstrap(Path(work) / "root", packages, f"--architectures={hardware.architecture}", *hooks)
            for older in cache().glob(f"card-{hardware.architecture}-*"):
                shutil.rmtree(older)
            (Path(work) / "root").rename(folder)
    return folder


def image(hardware: Hardware) -> Path:
    """Return the image, with its checksum in a file beside it; build both where they are new.

    Raises CalledProcessError.
    """
    system = tree(hardware)
    files = _files()
    digest = _digest(
        system.name, str((ROOT_START, ROOT_SIZE)), TABLE, COMMAND_LINE, *TEMPLATES.values(), *map(str, files.items())
    )
    path = cache() / f"image-{hardware.architecture}-{digest}.img"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as work:
            made = Path(work) / path.name
            _make(made, _furnished(system, Path(work) / "root", files))
            for older in cache().glob(f"image-{hardware.architecture}-*"):
                older.unlink()
            checksum = run("sha256sum", str(made))
            path.with_name(f"{path.name}.sha256").write_text(checksum, encoding="ascii")
            made.rename(path)
    return path


def _files() -> dict[str, str]:
    """What is added to Debian: what makes it look like Raspberry Pi OS, and the USB port."""
    here = Path(__file__).parent
    # cloud-init must not look before its files are mounted.
    waits = "[Unit]\nRequiresMountsFor=/boot/firmware\n"
    return {
        "etc/fstab": "PARTUUID=1234abcd-01 /boot/firmware vfat defaults 0 2\nPARTUUID=1234abcd-02 / ext4 noatime 0 1\n",
        "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg": (
            "datasource_list: [NoCloud, None]\ndatasource: {NoCloud: {seedfrom: file:///boot/firmware}}\n"
            "ssh_genkeytypes: [ed25519]\n"
        ),
        "etc/systemd/system/cloud-init-main.service.d/rig.conf": waits,
        "etc/systemd/system/cloud-init-local.service.d/rig.conf": waits,
        # Nothing to bring up to date at the first boot: no indexes of libraries, journal messages and hardware.
        "etc/.updated": "",
        "var/.updated": "",
        "opt/rig/attach.py": (here / "usb" / "attach.py").read_text(encoding="utf-8"),
        "usr/lib/python3/dist-packages/rig.py": (here / "compiled.py").read_text(encoding="utf-8"),
        "usr/lib/python3/dist-packages/rig.pth": "import rig\n",
        "var/cache/rig/.keep": "",
        "etc/systemd/system/rig-usb.service": (
            "[Unit]\nDescription=USB port of the rig\n"
            "[Service]\nTimeoutStartSec=infinity\nExecStartPre=/usr/sbin/modprobe vhci-hcd\n"
            f"ExecStart=/usr/bin/python3 /opt/rig/attach.py {USB_HOST} {PORT}\nRestart=always\n"
            "[Install]\nWantedBy=multi-user.target\n"
        ),
    }


def _furnished(system: Path, root: Path, files: dict[str, str]) -> Path:
    """Return a copy of the tree with the files; all others are links, which cost no time."""
    subprocess.run(["cp", "--archive", "--link", str(system), str(root)], check=True)
    for name, text in files.items():
        file = root / name
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (root / "boot/firmware").mkdir()
    (root / "etc/systemd/system/multi-user.target.wants/rig-usb.service").symlink_to("../rig-usb.service")
    return root


def _make(path: Path, root: Path) -> None:
    with path.open("wb") as file:
        file.truncate(ROOT_START + ROOT_SIZE)
    run("sfdisk", "--quiet", str(path), given=TABLE)
    boot = f"{path}@@{BOOT_START}"
    run(
        "mkfs.vfat",
        "-F",
        "32",
        "-s",
        "1",
        "-n",
        "bootfs",
        "--offset",
        str(BOOT_START // 512),
        str(path),
        str(BOOT_SIZE // 1024),
    )
    for name, content in {"cmdline.txt": COMMAND_LINE, **TEMPLATES}.items():
        run("mcopy", "-i", boot, "-", f"::/{name}", given=content)
    for name, pattern in ((KERNEL, "vmlinuz-*"), (INITRD, "initrd.img-*")):
        run("mcopy", "-i", boot, str(next((root / "boot").glob(pattern))), f"::/{name}")
    run(
        "mkfs.ext4",
        "-q",
        "-L",
        "rootfs",
        "-d",
        str(root),
        "-E",
        f"offset={ROOT_START}",
        str(path),
        f"{ROOT_SIZE // 1024}k",
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
