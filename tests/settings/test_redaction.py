"""What nobody may see is not shown, not taken where it would be seen, and hidden in whatever is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import settings
from appliance.cli import EX_CONFIG
from appliance.declared import SETTINGS
from appliance.parameters import passwords, shown, without_password
from appliance.settings import redaction
from tests.running import clean_environment, run_command

SECRET = "hunter2-of-the-door"
SECRET_SETTINGS = [parameter for parameter in SETTINGS.parameters().values() if parameter.secret]


@pytest.mark.parametrize(
    ("text", "as_shown"),
    [
        ("rtsp://me:hunter2@door/stream", "rtsp://me:***@door/stream"),
        ("RTSP://me:hunter2@door/stream", "RTSP://me:***@door/stream"),
        ("rtsp://:hunter2@door/", "rtsp://:***@door/"),
        ("rtsp://me@mail.org:hunter2@door/", "rtsp://me@mail.org:***@door/"),
        ("rtsp://me:hun:ter2@door/", "rtsp://me:***@door/"),
        ("rtsp://me:hun@ter2@door/", "rtsp://me:***@door/"),
        ("rtsp://me:hunter/2@door/stream", "rtsp://me:***@door/stream"),
        ("rtsp://me:hunter?2#@door/stream", "rtsp://me:***@door/stream"),
        ("rtsp://me:1234@door/", "rtsp://me:***@door/"),
        ("rtsp://me@door/", "rtsp://me@door/"),
        ("rtsp://door:554/stream", "rtsp://door:554/stream"),
        ("rtsp://door:554/cam@2", "rtsp://door:554/cam@2"),
        ("rtsp://door:554", "rtsp://door:554"),
        ("http://door/?password=hunter2", "http://door/?password=***"),
        ("http://door/?user=me&pwd=hunter2&channel=1", "http://door/?user=me&pwd=***&channel=1"),
        ("http://door/live.cgi?loginuse=me&loginpas=hunter2", "http://door/live.cgi?loginuse=me&loginpas=***"),
        ("http://door/?usr=me&psw=hunter2", "http://door/?usr=me&psw=***"),
        ("http://door/?user=me&pw=hunter2&fps=5", "http://door/?user=me&pw=***&fps=5"),
        ("http://door/?a=1;pass=hunter2", "http://door/?a=1;pass=***"),
        (
            "http://door/?loginpas=x&loginuse=me&login_passwd=hunter2",
            "http://door/?loginpas=***&loginuse=me&login_passwd=***",
        ),
        ("http://door/?token=hunter2#t", "http://door/?token=***"),
        ("http://door/?access_token=hun/ter2&x=1", "http://door/?access_token=***&x=1"),
        ("http://door/?X-Amz-Signature=hunter2&api_key=hunter2", "http://door/?X-Amz-Signature=***&api_key=***"),
        ("rtsp://door/user=me_password=hunter2_channel=1_stream=0.sdp", "rtsp://door/user=me_password=***"),
        ("http://me:hunter2@door/?token=hunter2", "http://me:***@door/?token=***"),
        (
            "cannot open rtsp://me:hunter2@door/ or http://me:hunter2@yard/",
            "cannot open rtsp://me:***@door/ or http://me:***@yard/",
        ),
        ('{"source": "rtsp://me:hunter2@door/?pwd=hunter2"}', '{"source": "rtsp://me:***@door/?pwd=***"}'),
        ("/dev/video0", "/dev/video0"),
        ("me:hunter2@door is no URL", "me:hunter2@door is no URL"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(text: str, as_shown: str) -> None:
    assert without_password(text) == as_shown
    assert without_password(as_shown) == as_shown
    if "no URL" not in text:
        assert "hunter2" not in shown(text)
        assert all(each in text for each in passwords(text))


def test_hiding_takes_no_longer_the_longer_the_text_is() -> None:
    """A camera or broker may say anything: nothing makes us go over the text again and again."""
    for text in ("rtsp://me:" * 3000, "?password" * 5000, "/" * 50_000, "a://" * 10_000 + "@", "_pass" * 10_000):
        before = os.times().user
        without_password(text)
        assert os.times().user - before < 3


def test_passwords_are_hidden_in_messages_of_libraries() -> None:
    masked = redaction.mask(["hunter2/ of the door", "short"])
    for said in ("hunter2/ of the door", "hunter2%2F%20of%20the%20door"):
        assert masked(f"401: {said}!") == "401: ***!"
    assert masked("a short word stays") == "a short word stays"
    assert masked("rtsp://me:short@door/") == "rtsp://me:***@door/"


def test_a_traceback_in_the_log_holds_no_password() -> None:
    program = f"""
from appliance.settings import redaction
from appliance.system import log
log.start("debug", mask=redaction.mask(["{SECRET}"]))
try:
    open("/nowhere/{SECRET}")
except OSError:
    log.logger("x").exception("no file %s", "rtsp://me:other@door/")
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert "Traceback" in finished.stderr
    assert "/nowhere/***" in finished.stderr
    assert SECRET not in finished.stderr
    assert "rtsp://me:***@door/" in finished.stderr


# ---------------------------------------------------------------- where a secret may not come from


@pytest.mark.parametrize("name", [parameter.name for parameter in SECRET_SETTINGS])
def test_a_secret_is_refused_as_a_flag_with_what_would_do(tmp_path: Path, name: str) -> None:
    finished = run_command("run", f"{settings.flag(name)}={SECRET}", directory=tmp_path)
    assert finished.returncode == EX_CONFIG
    assert f"{settings.flag(name)}: everybody on this machine can read a password in the list" in finished.stderr
    assert settings.environment_name(name) in finished.stderr
    assert settings.credential_name(name) in finished.stderr
    assert SECRET not in finished.stderr + finished.stdout


def test_the_password_in_a_url_is_refused_as_a_flag(tmp_path: Path) -> None:
    finished = run_command("check", f"--camera-source=rtsp://me:{SECRET}@door/", directory=tmp_path)
    assert finished.returncode == EX_CONFIG
    assert "CAMERA_APPLIANCE_CAMERA_SOURCE" in finished.stderr
    assert SECRET not in finished.stderr + finished.stdout


@pytest.mark.parametrize("arguments", [[f"--mqtt-pasword={SECRET}"], ["--mqtt-pasword", SECRET], [SECRET]])
def test_a_flag_with_a_typing_error_does_not_show_what_was_given(tmp_path: Path, arguments: list[str]) -> None:
    finished = run_command("check", *arguments, directory=tmp_path)
    assert finished.returncode == 2
    assert "unrecognized arguments: " in finished.stderr
    assert SECRET not in finished.stderr


CONTENTS = {
    "camera.toml": (f'[mqtt]\nusername = "me"\npassword = "{SECRET}"\n', "mqtt.password"),
    ".env": (f"CAMERA_APPLIANCE_CAMERA_SOURCE=http://door/?token={SECRET}\n", "camera.source"),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("mode", [0o644, 0o602 | 0o004, 0o600, 0o640])
def test_a_secret_in_a_file_that_everybody_may_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    content, setting = CONTENTS[name]
    file = tmp_path / name
    file.write_text(content)
    file.chmod(mode)
    flags = ["--config=camera.toml"] if name == "camera.toml" else []
    finished = run_command("check", *flags, directory=tmp_path)
    if mode & 0o004:
        assert finished.returncode == EX_CONFIG
        assert (
            f"{name}: everybody on this machine may read {setting} in it; forbid it: chmod o= {name}" in finished.stderr
        )
    else:
        assert (finished.returncode, finished.stderr) == (0, "")
    assert SECRET not in finished.stderr + finished.stdout


def test_a_file_without_secrets_may_be_read_by_everybody(tmp_path: Path) -> None:
    file = tmp_path / "camera.toml"
    file.write_text('[mqtt]\npassword = ""\n[camera]\nsource = "rtsp://me@door:554/cam@2"\n')
    file.chmod(0o644)
    assert run_command("check", "--config=camera.toml", directory=tmp_path).returncode == 0


def test_a_credential_of_systemd_needs_no_look_at_its_mode(tmp_path: Path) -> None:
    """Systemd makes that folder for the service alone."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "mqtt-password").write_text(SECRET)
    (folder / "mqtt-password").chmod(0o444)
    finished = run_command("check", "--mqtt-username=me", directory=tmp_path, CREDENTIALS_DIRECTORY=str(folder))
    assert (finished.returncode, finished.stderr) == (0, "")
