"""The command line: `python -m deploy.flash card | write | render | disks`."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.flash import checks, disks, inventory
from deploy.flash.card import Console, Order, write_card
from deploy.flash.errors import FlashError, Refused, Spoiled
from deploy.flash.image import Image

STOPPED = 130  # 128 + SIGINT, as shells report it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 nothing was written, 2 the card is unusable, 130 interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return _fail("stopped: nothing was written", STOPPED)
    except FlashError as error:
        return _fail(str(error), 2 if isinstance(error, Spoiled) else 1)


def _fail(text: str, status: int) -> int:
    sys.stdout.flush()
    print(f"\n{text}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.flash",
        description="Write the card of a host, with checks that protect other disks. `make flash` is a shortcut.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    card = commands.add_parser("card", help="write the card of a host in the inventory", parents=[_target_parser()])
    card.add_argument("--host", required=True, help="name of the host in the inventory")
    card.add_argument("--inventory", type=Path, default=inventory.ANSIBLE / "inventory.yml", metavar="PATH")
    card.add_argument(
        "ansible", nargs="*", metavar="-- ARGUMENT", help="arguments for ansible-playbook, such as --ask-vault-pass"
    )
    card.set_defaults(run=_card)

    write = commands.add_parser(
        "write", help="write a card with first-boot files that were already generated", parents=[_target_parser()]
    )
    write.add_argument("--files", type=Path, required=True, metavar="FOLDER", help="output of `render`")
    write.set_defaults(run=_write)

    render = commands.add_parser("render", help="write a host's first-boot files; reads its variables as JSON on stdin")
    render.add_argument("folder", type=Path)
    render.set_defaults(run=_render)

    listing = commands.add_parser("disks", help="list the disks, and for each whether it may be written and why")
    listing.set_defaults(run=_disks)
    return parser


def _target_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--image", type=_path, required=True, help=".img or .img.xz")
    parser.add_argument("--sha256", default="", help="checksum of the image; default: read from the file IMAGE.sha256")
    parser.add_argument("--device", type=_path, required=True, help="the disk, or a regular file")
    parser.add_argument("--serial", default="", help="serial number of the disk, for scripts: skips the confirmation")
    parser.add_argument(
        "--largest",
        type=int,
        default=checks.LARGEST // 10**9,
        metavar="GB",
        help="maximum size of the disk (default: %(default)s)",
    )
    parser.add_argument("--built-in", action="store_true", help="allow an internal disk of this computer")
    parser.add_argument("--no-eject", action="store_true", help="do not eject the card afterwards")
    return parser


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute() if text else Path()


def _card(options: argparse.Namespace) -> int:
    _early(options)
    with tempfile.TemporaryDirectory(prefix="flash-") as folder:
        files = inventory.files(options.host, options.inventory, Path(folder), options.ansible)
        if options.device.is_block_device() and os.geteuid() != 0:
            return _as_root(options, folder)
        write_card(_order(options, files), _console())
    return 0


def _early(options: argparse.Namespace) -> None:
    """Refuse invalid arguments before asking for a password; `write_card` checks everything again."""
    if missing := [name.upper() for name in ("host", "image", "device") if str(getattr(options, name)) in {"", "."}]:
        raise Refused(
            f"{' and '.join(missing)} missing: make flash HOST=porch.local IMAGE=x.img.xz SHA256=... DEVICE=/dev/sdX"
        )
    order = _order(options, {})
    image = Image(order.image, order.sha256)
    if order.device.is_block_device():
        devices = disks.survey()
        disk = checks.find(str(order.device.resolve()), devices)
        checks.require(disk, checks.Situation(image.size, devices, {}, order.largest, order.built_in_allowed))


def _as_root(options: argparse.Namespace, folder: str) -> int:
    if not shutil.which("sudo"):
        raise Refused(f"only root may write {options.device}, and there is no sudo: run this as root")
    command = ["sudo", sys.executable, "-B", "-m", "deploy.flash", "write", "--files", folder]
    for name in ("image", "sha256", "device", "serial", "largest"):
        command += [f"--{name}", str(getattr(options, name))]
    command += [f"--{name}" for name in ("built-in", "no-eject") if getattr(options, name.replace("-", "_"))]
    process = subprocess.Popen(command, cwd=inventory.ANSIBLE.parents[1])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child received the signal as well, and reports the state of the card


def _write(options: argparse.Namespace) -> int:
    write_card(_order(options, inventory.read(options.files)), _console())
    return 0


def _render(options: argparse.Namespace) -> int:
    inventory.render(sys.stdin.read(), options.folder, Path.home())
    return 0


def _disks(options: argparse.Namespace) -> int:
    devices = disks.survey()
    needed = disks.behind([Path("/"), Path.cwd()])
    shown = 0
    for disk in devices:
        if disk.kind != "disk" or checks.NOT_A_CARD.match(disk.kernel_name):
            continue
        shown += 1
        print(checks.description(disk, disks.stable_name(disk.name)))
        reasons = list(checks.refusals(disk, checks.Situation(0, devices, needed)))
        print(*[f"  no: it {reason}" for reason in reasons] or ["  may be written"], sep="\n")
    if not shown:
        print("this machine has no disks")
    return 0


def _order(options: argparse.Namespace, files: dict[str, bytes]) -> Order:
    return Order(
        image=options.image,
        sha256=_checksum(options.image, options.sha256),
        device=options.device,
        files=files,
        serial=options.serial,
        largest=options.largest * 10**9,
        built_in_allowed=options.built_in,
        eject=not options.no_eject,
    )


def _checksum(image: Path, given: str) -> str:
    """Return the checksum: the one given, or the one in a file beside the image, as sha256sum writes it."""
    beside = Path(f"{image}.sha256")
    if not given and beside.is_file():
        given = next(iter(beside.read_text(encoding="utf-8", errors="replace").split()), "")
    if not given:
        raise Refused(f"SHA256 is missing: give the one published beside the image, or put it into {beside.name}")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise Refused(f"SHA256 {given!r} is not a SHA-256 checksum: one has 64 hexadecimal digits")
    return given


def _console() -> Console:
    return Console(sys.stdout, _ask)


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise Refused("there is no terminal to confirm the name of the disk: pass its serial number (SERIAL=...)")
    return input(question)


if __name__ == "__main__":
    sys.exit(main())
