"""The command line: `camera-appliance run | check | settings | forget | hash-password | cameras | version`."""

import argparse
import getpass
import logging
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance import __version__, settings
from appliance.declared import SETTINGS
from appliance.errors import ApplianceError, ConfigurationError
from appliance.parameters import nearest
from appliance.settings import redaction
from appliance.system import log, passwords

EX_CONFIG = 78  # sysexits.h; the systemd unit does not restart after it
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(map(_mistyped, unknown))}")
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except ConfigurationError as error:
        _print_error("the configuration cannot be used:", *(f"  {problem}" for problem in error.problems))
        return EX_CONFIG
    except ApplianceError as error:
        _print_error(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `camera-appliance settings | head`; Python would report it again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _mistyped(argument: str) -> str:
    """Return an unknown argument without its value, which may be a password, and with the most similar flag."""
    if not argument.startswith("-"):
        return "..."
    name = argument.partition("=")[0]
    return name + nearest(name, ("--config", *map(settings.flag, SETTINGS.parameters())), "--")


def _print_error(*lines: str) -> None:
    """Write the lines to standard error, with the priority of errors for the journal."""
    for line in "\n".join(lines).splitlines():
        print(log.for_journal(line), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camera-appliance", description="A camera on the network, and on MQTT.", allow_abbrev=False
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    with_settings = _settings_parser()
    for name, run, text in (
        ("run", _run, "run the appliance"),
        ("check", _check, "check the configuration and report every problem in it"),
        ("settings", _settings, "show the effective settings and where each came from"),
        ("forget", _forget, "remove everything about this camera from the broker and from Home Assistant"),
    ):
        command = commands.add_parser(name, help=text, description=text, parents=[with_settings], allow_abbrev=False)
        command.set_defaults(run=run)
    text = "hash a password, typed or read from standard input, and print the line for the section [http]"
    hashing = commands.add_parser("hash-password", help=text, description=text, allow_abbrev=False)
    hashing.add_argument("--viewer", action="store_true", help="hash the password of the user viewer")
    hashing.set_defaults(run=_hash_password)
    text = "list the cameras of this machine with their formats and controls"
    commands.add_parser("cameras", help=text, description=text).set_defaults(run=_cameras)
    commands.add_parser("version", help="show the version").set_defaults(run=_version)
    return parser


def _settings_parser() -> argparse.ArgumentParser:
    """Return a parser with `--config` and a flag for each setting."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file in TOML format")
    for name, section, entries in SETTINGS:
        group = parser.add_argument_group(f"{name}: {(section.__doc__ or '').strip()}")
        for parameter in entries:
            default = "" if parameter.secret or parameter.default in ("", None) else f" [{parameter.default}]"
            group.add_argument(
                settings.flag(parameter.name),
                dest=parameter.name,
                metavar=parameter.name.rpartition("_")[2].rpartition(".")[2].upper(),
                # The flag of a secret exists so that it can be refused with a helpful message.
                help=argparse.SUPPRESS if parameter.secret else (parameter.help + default).replace("%", "%%"),
            )
    return parser


def _load(options: argparse.Namespace) -> tuple[settings.Settings, dict[str, settings.Effective]]:
    known = SETTINGS.parameters()
    flags = {name: value for name, value in vars(options).items() if name in known and value is not None}
    return settings.load(options.config, flags, sections=SETTINGS)


def _run(options: argparse.Namespace) -> int:
    loaded, effective = _load(options)
    secrets = [secret for entry in effective.values() for secret in redaction.hidden(entry.parameter, entry.value)]
    log.start(loaded.log.level, mask=redaction.mask(secrets), camera=loaded.camera.name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold every password
    from appliance.daemon import Daemon  # slow to import: a wrong setting is reported before

    daemon = Daemon(loaded, lambda: _load(options)[0])
    status = daemon.run()
    if daemon.is_held:
        # A driver blocks the camera thread. A normal exit would stop it inside OpenCV, which aborts the process.
        logging.shutdown()
        os._exit(status)
    return status


def _check(options: argparse.Namespace) -> int:
    loaded, _ = _load(options)
    from appliance.http import tls  # slow to import

    tls.check(loaded.http)
    print("the configuration is valid")
    return 0


def _settings(options: argparse.Namespace) -> int:
    _, effective = _load(options)
    name_width = max(map(len, effective))
    value_width = max(len(entry.shown()) for entry in effective.values())
    for name, entry in effective.items():
        print(f"{name:{name_width}}  {entry.shown():{value_width}}  {entry.origin}")
    return 0


def _forget(options: argparse.Namespace) -> int:
    loaded, _ = _load(options)
    if not loaded.mqtt.host:
        raise ConfigurationError(["mqtt.host: is empty; it must name the broker from which this camera is removed"])
    from appliance.mqtt.discovery_publisher import saved_topic
    from appliance.mqtt.forget import forget

    announced_at = saved_topic(Path(loaded.storage.directory), loaded.camera.name)
    cleared = forget(loaded.mqtt, loaded.camera.name, announced_at)
    for topic in cleared:
        print(topic)
    print(
        f"{len(cleared)} topics cleared on {loaded.mqtt.host}" if cleared else "the broker has no topics of this camera"
    )
    return 0


def _hash_password(options: argparse.Namespace) -> int:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Repeat the password: ") != password:
            raise ApplianceError("the passwords differ; nothing was hashed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ApplianceError("the password is empty")
    print(f'{"viewer_password" if options.viewer else "password"} = "{passwords.hashed(password)}"')
    return 0


def _cameras(_options: argparse.Namespace) -> int:
    from appliance.camera import sources

    found = sources.found()
    if forbidden := [camera.path for camera in found if camera.description is None]:
        print(f"no permission to open {', '.join(forbidden)}: add the user to the group video")
    elif not found:
        print("no camera found; a CSI camera needs its own support, and a user has to be in the group video")
    for device in found:
        if device.description is None:
            continue
        print(f"{device.description}\n  source: {device.path}\n  node:   {device.node}")
        formats, controls = sources.source_of(device.path).inspect(device.path)
        for offered in formats:
            sizes = ", ".join(
                f"{width}x{height}" + (f" ({'/'.join(f'{rate:g}' for rate in rates)} fps)" if rates else "")
                for width, height, rates in offered.sizes
            )
            print(f"  format {offered.pixel_format} ({offered.description}): {sizes}")
        for control in controls:
            notes = [
                word for word, holds in (("inactive", control.inactive), ("read-only", control.read_only)) if holds
            ]
            default = "" if control.parameter.default is None else f", default {control.parameter.default}"
            print(f"  control {control.name} = {control.value}: {control.parameter.accepted()}{default}", *notes)
    return 0


def _version(_options: argparse.Namespace) -> int:
    print(__version__)
    return 0
