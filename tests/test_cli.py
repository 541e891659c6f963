"""The command line, as a person or systemd meets it: the real command, its words and its exit status."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import __version__, settings
from appliance.declared import SETTINGS
from appliance.system import passwords
from tests.running import COMMAND, clean_environment, run_command
from tests.simcam import SimulatedCamera

SECRET = "hunter2-of-the-broker"
EX_CONFIG, USAGE = 78, 2


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_version_is_the_version(tmp_path: Path) -> None:
    finished = run_command("version", directory=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, f"{__version__}\n", "")


def test_the_package_can_be_run_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "appliance", "version"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("dance",), ("run", "--no-such-flag"), ("check", "--http-port")])
def test_an_unknown_command_is_refused_with_the_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    finished = run_command(*arguments, directory=tmp_path)
    assert finished.returncode == USAGE
    assert finished.stderr.startswith("usage: camera-appliance")
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("typed", ["--http-prot", "--http_port", "--htp-port"])
def test_a_mistyped_flag_is_named_with_the_nearest_one(tmp_path: Path, typed: str) -> None:
    finished = run_command("run", f"{typed}=80", directory=tmp_path)
    assert finished.returncode == USAGE
    assert finished.stderr.endswith(f"unrecognized arguments: {typed} (did you mean --http-port?)\n")


def test_a_reader_who_has_seen_enough_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        finished = subprocess.run(
            [COMMAND, "settings"],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (finished.returncode, finished.stderr) == (1, "")


def test_ctrl_c_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    """A fifo in place of the settings keeps it waiting, as slow imports and brokers do."""
    os.mkfifo(tmp_path / "camera.toml")
    with (
        subprocess.Popen(
            [COMMAND, "run", "--config=camera.toml"],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
        (tmp_path / "camera.toml").open("w"),
    ):  # returns when it reads
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert process.returncode == 130


def test_help_shows_the_commands(tmp_path: Path) -> None:
    finished = run_command("--help", directory=tmp_path)
    assert finished.returncode == 0
    for command in ("run", "check", "settings", "cameras", "version"):
        assert re.search(rf"^ +{command} +\w", finished.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["run", "check", "settings"])
def test_help_shows_every_setting_with_its_help_and_default(tmp_path: Path, command: str) -> None:
    finished = run_command(command, "--help", directory=tmp_path, COLUMNS="1000")
    assert finished.returncode == 0
    assert "--config FILE" in finished.stdout
    for name, parameter in SETTINGS.parameters().items():
        line = re.search(rf"^ +{settings.flag(name)} [A-Z]+\s+(.+)$", finished.stdout, re.MULTILINE)
        if parameter.secret:
            assert not line, f"{name} is no flag"
            continue
        assert line, name
        assert parameter.help in line[1]
        if parameter.default != "":
            assert line[1].endswith(f"[{parameter.default}]")


# ---------------------------------------------------------------- check


def test_check_says_that_a_good_configuration_is_good(tmp_path: Path) -> None:
    (tmp_path / "camera.toml").write_text('[camera]\nname = "door"\n')
    finished = run_command("check", "--config=camera.toml", "--http-port=80", directory=tmp_path)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "the configuration is valid\n", "")


def test_check_says_everything_that_is_wrong_and_where(tmp_path: Path) -> None:
    (tmp_path / "camera.toml").write_text("[http]\nprot = 80\n")
    (tmp_path / ".env").write_text("CAMERA_APPLIANCE_CAMERA_FPS=fast\n")
    finished = run_command(
        "check", "--config=camera.toml", "--http-port=http", directory=tmp_path, CAMERA_APPLIANCE_LOG_LEVEL="loud"
    )
    assert (finished.returncode, finished.stdout) == (EX_CONFIG, "")
    assert finished.stderr.splitlines() == [
        "the configuration cannot be used:",
        "  camera.toml: there is no setting http.prot (did you mean http.port?)",
        '  .env: CAMERA_APPLIANCE_CAMERA_FPS: camera.fps: "fast" is not a number from 0.1 to 240',
        '  environment: CAMERA_APPLIANCE_LOG_LEVEL: log.level: "loud" is not one of debug, info, warning, error',
        '  --http-port: http.port: "http" is not a whole number from 0 to 65535',
    ]


def test_a_missing_file_is_a_wrong_configuration(tmp_path: Path) -> None:
    finished = run_command("check", "--config=nowhere.toml", directory=tmp_path)
    assert finished.returncode == EX_CONFIG
    assert "nowhere.toml: cannot be read: No such file or directory" in finished.stderr


# ---------------------------------------------------------------- settings


def test_settings_are_shown_with_value_and_origin_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "camera.toml").write_text(f'[mqtt]\nusername = "me"\n[camera]\nsource = "rtsp://me:{SECRET}@door/"\n')
    (tmp_path / ".env").write_text(f"CAMERA_APPLIANCE_MQTT_PASSWORD={SECRET}\n")
    for name in ("camera.toml", ".env"):
        (tmp_path / name).chmod(0o640)
    finished = run_command(
        "settings",
        "--config=camera.toml",
        "--http-port=80",
        directory=tmp_path,
        CAMERA_APPLIANCE_MQTT_TLS="on",
        STATE_DIRECTORY="/var/lib/camera",
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    rows = {name: rest for name, *rest in (re.split(r"  +", line) for line in finished.stdout.splitlines())}
    assert list(rows) == list(SETTINGS.parameters())
    assert rows["http.host"] == ["127.0.0.1", "default"]
    assert rows["http.port"] == ["80", "--http-port"]
    assert rows["mqtt.tls"] == ["true", "environment: CAMERA_APPLIANCE_MQTT_TLS"]
    assert rows["mqtt.username"] == ["me", "camera.toml"]
    assert rows["mqtt.password"] == ["(set)", ".env: CAMERA_APPLIANCE_MQTT_PASSWORD"]
    assert rows["camera.source"] == ["rtsp://me:***@door/", "camera.toml"]
    assert rows["storage.directory"] == ["/var/lib/camera", "STATE_DIRECTORY"]
    assert SECRET not in finished.stdout


def test_a_password_from_systemd_is_told_from_where_but_not_what(tmp_path: Path) -> None:
    (tmp_path / "mqtt-password").write_text(SECRET)
    finished = run_command("settings", "--mqtt-username=me", directory=tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert re.search(r"^mqtt\.password +\(set\) +credential mqtt-password$", finished.stdout, re.MULTILINE)
    assert SECRET not in finished.stdout + finished.stderr


def test_settings_that_are_wrong_are_not_shown(tmp_path: Path) -> None:
    finished = run_command("settings", "--http-port=-1", directory=tmp_path)
    assert (finished.returncode, finished.stdout) == (EX_CONFIG, "")


# ---------------------------------------------------------------- run


def test_a_wrong_setting_ends_it_with_words_for_people(tmp_path: Path) -> None:
    finished = run_command("run", "--http-port=99999", "--camera-name=Front Door", directory=tmp_path)
    assert (finished.returncode, finished.stdout) == (EX_CONFIG, "")
    assert finished.stderr.splitlines() == [
        "the configuration cannot be used:",
        '  --camera-name: camera.name: "Front Door" is not a text of at most 63 characters matching'
        " [a-z0-9][a-z0-9_-]*",
        "  --http-port: http.port: 99999 is not a whole number from 0 to 65535",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_ends_it_with_words_for_people(tmp_path: Path, taken_port: int) -> None:
    finished = run_command("run", "--camera-source=test-pattern", f"--http-port={taken_port}", directory=tmp_path)
    assert finished.returncode == EX_CONFIG
    assert f"127.0.0.1:{taken_port}" in finished.stderr
    assert "in use" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_ends_it_with_words_for_people(tmp_path: Path, host: str) -> None:
    finished = run_command(
        "run",
        "--camera-source=test-pattern",
        f"--http-host={host}",
        "--http-open=true",
        "--http-port=0",
        directory=tmp_path,
    )
    assert finished.returncode == EX_CONFIG
    assert host in finished.stderr
    assert "Traceback" not in finished.stderr


TWO_LINES = [["    [http]", '    password = "..."'], ["    [http]", "    open = true"]]


@pytest.mark.parametrize(
    ("command", "host"), [("run", "0.0.0.0"), ("settings", "192.0.2.1"), ("check", "::"), ("check", "camera.lan")]
)
def test_beyond_the_loopback_it_starts_only_with_access_configured(tmp_path: Path, command: str, host: str) -> None:
    (tmp_path / "camera.toml").write_text(f'[http]\nhost = "{host}"\n')
    finished = run_command(command, "--config=camera.toml", directory=tmp_path)
    assert (finished.returncode, finished.stdout) == (EX_CONFIG, "")
    lines = finished.stderr.splitlines()
    assert f"http.host: {host} can be reached from other machines" in lines[1]
    for first, second in TWO_LINES:
        assert f"{first}\n{second}\n" in finished.stderr
    assert "CAMERA_APPLIANCE_HTTP_PASSWORD" in finished.stderr
    assert "CAMERA_APPLIANCE_HTTP_OPEN" in finished.stderr


def test_a_password_given_by_systemd_protects(tmp_path: Path) -> None:
    (tmp_path / "http-password").write_text(SECRET + "\n")
    finished = run_command("settings", "--http-host=0.0.0.0", directory=tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert re.search(r"^http\.password +\(set\) +credential http-password$", finished.stdout, re.MULTILINE)
    assert SECRET not in finished.stdout + finished.stderr


# ---------------------------------------------------------------- hash-password


@pytest.mark.parametrize(("flag", "name"), [((), "password"), (("--viewer",), "viewer_password")])
def test_a_hash_is_the_line_that_the_settings_take(tmp_path: Path, flag: tuple[str, ...], name: str) -> None:
    finished = subprocess.run(
        [COMMAND, "hash-password", *flag], input="mein Geheimnis\n", capture_output=True, text=True, check=True
    )
    assert re.fullmatch(rf'{name} = "scrypt\$[^"]+"\n', finished.stdout)
    (tmp_path / "camera.toml").touch(mode=0o600)
    (tmp_path / "camera.toml").write_text('[http]\nhost = "0.0.0.0"\n' + finished.stdout)
    assert run_command("check", "--config=camera.toml", directory=tmp_path).returncode == 0
    assert passwords.matches("mein Geheimnis", finished.stdout.partition('"')[2].rstrip('"\n'))


def test_an_empty_password_is_not_hashed() -> None:
    finished = subprocess.run([COMMAND, "hash-password"], input="\n", capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "empty" in finished.stderr


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    def typed(*lines: str) -> str:
        """Type the lines, each after its question; return all that the terminal showed."""
        number, terminal = pty.fork()
        if number == 0:
            os.execv(COMMAND, [str(COMMAND), "hash-password"])
        shown = b""
        try:
            for line in lines:
                while not shown.endswith(b": "):
                    shown += os.read(terminal, 1024)
                os.write(terminal, line.encode() + b"\n")
                shown += os.read(terminal, 1)
            while data := os.read(terminal, 1024):
                shown += data
        except OSError:  # a terminal ends so
            pass
        os.close(terminal)
        os.waitpid(number, 0)
        return shown.decode()

    assert re.search(r'password = "scrypt\$', good := typed("geheim", "geheim"))
    assert "geheim" not in good
    assert "the passwords differ" in typed("geheim", "geheom")


# ---------------------------------------------------------------- cameras


def test_without_a_camera_it_says_so_and_what_may_be_the_cause(tmp_path: Path, simcam: SimulatedCamera) -> None:
    simcam.unplug()
    finished = run_command("cameras", directory=tmp_path, **simcam.environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("no camera found")
    assert "group video" in finished.stdout


def test_a_camera_that_may_not_be_opened_is_told_with_what_to_do(tmp_path: Path, simcam: SimulatedCamera) -> None:
    simcam.forbidden()
    finished = run_command("cameras", directory=tmp_path, **simcam.environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("no permission to open /dev/video0")
    assert finished.stdout.endswith(": add the user to the group video\n")


def test_a_camera_is_shown_with_name_formats_and_controls(tmp_path: Path, simcam: SimulatedCamera) -> None:
    finished = run_command("cameras", directory=tmp_path, **simcam.environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert lines[:3] == ["Simulated UVC Camera", f"  source: {simcam.device}", "  node:   /dev/video0"]
    formats = [line for line in lines if line.startswith("  format ")]
    assert re.match(r"  format MJPG \(Motion-JPEG\): 1920x1080 \(30/.*fps\), 1280x720 \(", formats[0])
    assert any(line.startswith("  format YUYV (") for line in formats)
    controls = [line for line in lines if line.startswith("  control ")]
    assert len(controls) == len(lines) - 3 - len(formats)
    assert any(
        re.match(r"  control brightness = -?\d+: a whole number from .* to .*, default -?\d+", c) for c in controls
    )
    assert any(re.match(r"  control exposure_time_absolute = .* inactive$", c) for c in controls)
    assert any(re.match(r"  control auto_exposure = \d: one of .*Manual Mode", c) for c in controls)


def test_every_camera_is_shown_once(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with SimulatedCamera(simcam.directory, number=2, serial="SC0002", port=2):
        finished = run_command("cameras", directory=tmp_path, **simcam.environment)
    assert re.findall(r"node: +(\S+)", finished.stdout) == ["/dev/video0", "/dev/video2"]
