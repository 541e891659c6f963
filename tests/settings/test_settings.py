"""Every setting, from every layer it may come from, and every way to get one wrong."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from appliance import settings
from appliance.declared import SETTINGS
from appliance.errors import ConfigurationError
from appliance.features import FEATURES
from appliance.settings import CORE, Effective, Settings

SECRET = "hunter2-of-the-broker"
NOBODY = 65534


class Layers:
    """A folder with a settings file, a `.env` and credentials, as the test likes them."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "camera.toml"
        self.dotenv = directory / ".env"
        self.credentials = directory / "credentials"
        self.environment: dict[str, str] = {}
        self.flags: dict[str, str] = {}

    def load(self) -> tuple[Settings, dict[str, Effective]]:
        file = self.file if self.file.exists() else None
        return settings.load(file, self.flags, self.environment, self.dotenv)

    def problems(self) -> list[str]:
        with pytest.raises(ConfigurationError) as refusal:
            self.load()
        assert str(refusal.value) == "\n".join(refusal.value.problems)
        return refusal.value.problems

    def credential(self, name: str, content: bytes) -> None:
        self.credentials.mkdir(exist_ok=True)
        (self.credentials / name).write_bytes(content)
        self.environment["CREDENTIALS_DIRECTORY"] = str(self.credentials)


@pytest.fixture(autouse=True)
def _careful() -> Iterator[None]:
    """Write files that not everybody may read."""
    former = os.umask(0o027)
    yield
    os.umask(former)


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user whom files may refuse, which root is not."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


# ---------------------------------------------------------------- defaults and names


def test_without_anything_the_defaults_hold(layers: Layers) -> None:
    loaded, effective = layers.load()
    assert loaded == Settings()
    assert {entry.origin for entry in effective.values()} == {"default"}


def test_the_settings_cannot_be_changed(layers: Layers) -> None:
    loaded, _ = layers.load()
    with pytest.raises(FrozenInstanceError):
        loaded.http.port = 1  # type: ignore[misc]


def test_every_default_is_a_value_that_would_be_accepted() -> None:
    for parameter in SETTINGS.parameters().values():
        assert parameter.default is not None
        assert parameter.parse(parameter.default) == parameter.default


def test_every_setting_has_help_that_is_a_sentence() -> None:
    for name, parameter in SETTINGS.parameters().items():
        assert parameter.help, name
        assert parameter.help[0].isupper(), name
        assert parameter.help.endswith("."), name


def test_variables_and_flags_derive_from_settings_and_are_unique() -> None:
    names = list(SETTINGS.parameters())
    assert settings.environment_name("http.max_viewers") == "CAMERA_APPLIANCE_HTTP_MAX_VIEWERS"
    assert settings.flag("http.max_viewers") == "--http-max-viewers"
    assert len({settings.environment_name(name) for name in names}) == len(names)
    assert len({settings.flag(name) for name in names}) == len(names)


def test_every_field_is_a_setting() -> None:
    core = {field.name for field in fields(Settings)} - {"features"}
    assert {name for name, _, _ in CORE} == core
    assert {name for name, _, _ in SETTINGS} == core | {each.name for each in FEATURES if each.settings}


# ---------------------------------------------------------------- layers


def _file(layers: Layers) -> None:
    layers.file.write_text('mqtt.host = "file"\nmqtt.username = "me"\nmqtt.password = "file"\npictures.directory = "f"')


def _state(layers: Layers) -> None:
    layers.environment["STATE_DIRECTORY"] = "/var/lib/camera"


def _credential(layers: Layers) -> None:
    layers.credential("mqtt-password", b"credential\n")


def _dotenv(layers: Layers) -> None:
    layers.dotenv.write_text("CAMERA_APPLIANCE_MQTT_PASSWORD=dotenv\nCAMERA_APPLIANCE_PICTURES_DIRECTORY=d\n")


def _environment(layers: Layers) -> None:
    layers.environment["CAMERA_APPLIANCE_MQTT_PASSWORD"] = "environment"
    layers.environment["CAMERA_APPLIANCE_PICTURES_DIRECTORY"] = "e"


def _flags(layers: Layers) -> None:
    layers.flags["pictures.directory"] = "g"


WEAKEST_FIRST = (_state, _file, _credential, _dotenv, _environment, _flags)


@pytest.mark.parametrize(
    ("strongest", "password", "directory", "origin"),
    [
        (2, "file", "f", "{file}"),
        (3, "credential", "f", "credential mqtt-password"),
        (4, "dotenv", "d", "{dotenv}: CAMERA_APPLIANCE_MQTT_PASSWORD"),
        (5, "environment", "e", "environment: CAMERA_APPLIANCE_MQTT_PASSWORD"),
        (6, "environment", "g", "environment: CAMERA_APPLIANCE_MQTT_PASSWORD"),
    ],
)
def test_the_stronger_layer_wins(layers: Layers, strongest: int, password: str, directory: str, origin: str) -> None:
    for fill in WEAKEST_FIRST[:strongest]:
        fill(layers)
    loaded, effective = layers.load()
    assert loaded.mqtt.password == password
    assert loaded.pictures.directory == directory
    assert loaded.storage.directory == "/var/lib/camera"
    assert effective["mqtt.password"].origin == origin.format(file=layers.file, dotenv=layers.dotenv)
    assert effective["mqtt.host"].origin == str(layers.file)
    assert effective["http.port"].origin == "default"


def test_the_state_directory_of_systemd_holds_pictures_and_memory(layers: Layers) -> None:
    layers.environment["STATE_DIRECTORY"] = "/var/lib/camera/door:/var/lib/other"
    loaded, effective = layers.load()
    assert loaded.storage.directory == "/var/lib/camera/door"
    assert loaded.pictures.directory == "/var/lib/camera/door/pictures"
    assert effective["storage.directory"].origin == "STATE_DIRECTORY"


@pytest.mark.parametrize("value", ["", ":", ":/var/lib/other"])
def test_an_empty_state_directory_is_none(layers: Layers, value: str) -> None:
    layers.environment["STATE_DIRECTORY"] = value
    assert layers.load()[0] == Settings()


def test_every_setting_can_come_from_file_environment_and_flag(layers: Layers) -> None:
    for name, parameter in SETTINGS.parameters().items():
        assert parameter.default is not None
        variable, text = settings.environment_name(name), str(parameter.default)
        for where in ({"flags": {name: text}}, {"environment": {variable: text}}):
            _, effective = settings.load(dotenv=None, **{"environment": {}, **where})  # type: ignore[arg-type]
            assert effective[name].value == parameter.default
            assert effective[name].origin != "default"


def test_a_file_may_write_sections_as_toml_allows(layers: Layers) -> None:
    layers.file.write_text(
        '# a comment\ncamera = {name = "door", fps = 15}\nhttp.port = 80\n'
        '[mqtt]\nhost = "broker"\ntls = true\nprotocol = 5\n',
        encoding="utf-8",
    )
    loaded, _ = layers.load()
    assert (loaded.camera.name, loaded.camera.fps, loaded.http.port) == ("door", 15.0, 80)
    assert (loaded.mqtt.host, loaded.mqtt.tls, loaded.mqtt.protocol) == ("broker", True, "5")


def test_variables_of_others_do_not_matter(layers: Layers) -> None:
    layers.environment |= {
        "PATH": "/bin",
        "CAMERA_APPLIANC": "x",
        "HTTP_PORT": "none",
        "camera_appliance_http_port": "1",
    }
    layers.dotenv.write_text("HTTP_PORT=none\nnot even a line\n'\n")
    assert layers.load()[0] == Settings()


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[http]\nport = 99999", "http.port: 99999 is not a whole number from 0 to 65535"),
        ('[http]\nport = "80"', 'http.port: "80" is not a whole number from 0 to 65535'),
        ("[http]\nport = true", "http.port: true is not a whole number from 0 to 65535"),
        ("[http]\nport = 8000.5", "http.port: 8000.5 is not a whole number from 0 to 65535"),
        ("[http]\nport = [80]", "http.port: [80] is not a whole number from 0 to 65535"),
        ("[http]\nport = 2026-11-22", "http.port: datetime.date(2026, 11, 22) is not a whole number from 0 to 65535"),
        ("[http.port]\nx = 1", 'http.port: {"x": 1} is not a whole number from 0 to 65535'),
        ("[http]\nhost = 5", "http.host: 5 is not a text of at most 1024 characters"),
        ("[camera]\nfps = nan", "camera.fps: NaN is not a number from 0.1 to 240"),
        ("[camera]\nfps = 0", "camera.fps: 0 is not a number from 0.1 to 240"),
        (
            '[camera]\nname = "Front Door"',
            'camera.name: "Front Door" is not a text of at most 63 characters matching [a-z0-9][a-z0-9_-]*',
        ),
        ('[camera]\npixel_format = "MJPEG"', 'camera.pixel_format: "MJPEG" is not a text'),
        ('[log]\nlevel = "loud"', 'log.level: "loud" is not one of debug, info, warning, error'),
        ('[mqtt]\nbase_topic = "a/#"', 'mqtt.base_topic: "a/#" is not a text'),
        ('[mqtt]\nbase_topic = "/a"', 'mqtt.base_topic: "/a" is not a text'),
        ("[mqtt]\nprotocol = 4", "mqtt.protocol: 4 is not one of 5, 3.1.1"),
        ("[mqtt]\ntls = 1.5", "mqtt.tls: 1.5 is not true or false"),
        ("[http]\nprot = 80", "there is no setting http.prot (did you mean http.port?)"),
        ("[http]\n'' = 80", "there is no setting http."),
        ("[htpp]\nport = 80", "there is no section [htpp] (did you mean http?)"),
        ("[weather]\nport = 80", "there is no section [weather]"),
        ("http = 80", "http has to be a section: [http]"),
        ("[[http]]\nport = 80", "http has to be a section: [http]"),
        ("[http\nport = 80", "not valid TOML: "),
        ("[http]\nport = 80\nport = 81", "not valid TOML: "),
        ("port: 80", "not valid TOML: "),
        ("[http]\nport = " + "9" * 5000, "not valid TOML: "),
        ("a = " + "[" * 5000, "not valid TOML: "),
    ],
)
def test_a_fault_in_the_file_is_reported_with_its_place(layers: Layers, text: str, problem: str) -> None:
    layers.file.write_text(text)
    (told,) = layers.problems()
    assert told.startswith(f"{layers.file}: {problem}")


@pytest.mark.parametrize("content", [b'[http]\nhost = "\xff"', b"\xff\xfe[\0h\0", b"\0", bytes(range(256))])
def test_a_file_in_an_odd_encoding_is_refused_not_misread(layers: Layers, content: bytes) -> None:
    layers.file.write_bytes(content)
    (told,) = layers.problems()
    assert told.startswith(f"{layers.file}: not valid TOML: ")


def test_a_file_that_is_not_there_or_no_file_is_told(layers: Layers) -> None:
    with pytest.raises(ConfigurationError, match=r"^/nowhere/camera\.toml: cannot be read: No such file or directory$"):
        settings.load(Path("/nowhere/camera.toml"), environment={}, dotenv=None)
    layers.file.mkdir()
    assert layers.problems() == [f"{layers.file}: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("HTTP_PORT", "http", 'http.port: "http" is not a whole number from 0 to 65535'),
        ("HTTP_PORT", "", 'http.port: "" is not a whole number from 0 to 65535'),
        ("MQTT_TLS", "maybe", 'mqtt.tls: "maybe" is not true or false'),
    ],
)
def test_a_fault_in_the_environment_is_reported_with_the_variable(
    layers: Layers, variable: str, value: str, problem: str
) -> None:
    layers.environment[f"CAMERA_APPLIANCE_{variable}"] = value
    assert layers.problems() == [f"environment: CAMERA_APPLIANCE_{variable}: {problem}"]
    layers.dotenv.write_text(f"CAMERA_APPLIANCE_{variable}={value}\n")
    layers.environment.clear()
    assert layers.problems() == [f"{layers.dotenv}: CAMERA_APPLIANCE_{variable}: {problem}"]


def test_an_unknown_variable_is_told_with_the_nearest_name(layers: Layers) -> None:
    layers.environment["CAMERA_APPLIANCE_HTTP_PROT"] = "80"
    layers.dotenv.write_text("CAMERA_APPLIANCE_WEATHER=80\n")
    assert layers.problems() == [
        f"{layers.dotenv}: there is no setting CAMERA_APPLIANCE_WEATHER",
        "environment: there is no setting CAMERA_APPLIANCE_HTTP_PROT (did you mean CAMERA_APPLIANCE_HTTP_PORT?)",
    ]


def test_every_problem_of_every_layer_is_told_at_once(layers: Layers) -> None:
    layers.file.write_text('[http]\nport = -1\nprot = 80\n[log]\nlevel = "loud"\n[htpp]\n[camera]\nwidth = 1\n')
    layers.dotenv.write_text("CAMERA_APPLIANCE_CAMERA_FPS=0\n")
    layers.environment["CAMERA_APPLIANCE_CAMERA_HEIGHT"] = "tall"
    layers.flags["http.max_viewers"] = "0"
    assert layers.problems() == [
        f"{layers.file}: http.port: -1 is not a whole number from 0 to 65535",
        f"{layers.file}: there is no setting http.prot (did you mean http.port?)",
        f'{layers.file}: log.level: "loud" is not one of debug, info, warning, error',
        f"{layers.file}: there is no section [htpp] (did you mean http?)",
        f"{layers.file}: camera.width: 1 is not a whole number from 16 to 8192",
        f'{layers.dotenv}: CAMERA_APPLIANCE_CAMERA_FPS: camera.fps: "0" is not a number from 0.1 to 240'.replace(
            '"0"', "0"
        ),
        'environment: CAMERA_APPLIANCE_CAMERA_HEIGHT: camera.height: "tall" is not a whole number from 16 to 8192',
        "--http-max-viewers: http.max_viewers: 0 is not a whole number from 1 to 10000",
    ]


def test_a_wrong_value_is_told_even_where_a_stronger_layer_replaces_it(layers: Layers) -> None:
    layers.file.write_text("[http]\nport = -1\n")
    layers.flags["http.port"] = "80"
    assert layers.problems() == [f"{layers.file}: http.port: -1 is not a whole number from 0 to 65535"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            {"mqtt.tls_ca_file": "/nowhere.pem"},
            "mqtt.tls_ca_file: there is no file '/nowhere.pem' (--mqtt-tls-ca-file)",
        ),
        ({"mqtt.tls_ca_file": "/"}, "mqtt.tls_ca_file: there is no file '/' (--mqtt-tls-ca-file)"),
        ({"mqtt.tls_ca_file": "x" * 1000}, "mqtt.tls_ca_file: there is no file 'xxx"),
        ({"mqtt.tls_key_file": __file__}, "mqtt.tls_key_file: has no effect without mqtt.tls_certificate_file"),
        ({"http.host": " "}, "http.host: must not be empty (--http-host)"),
        ({"camera.source": ""}, "camera.source: must not be empty (--camera-source)"),
        ({"pictures.directory": ""}, "pictures.directory: must not be empty (--pictures-directory)"),
        ({"storage.directory": "\t"}, "storage.directory: must not be empty (--storage-directory)"),
    ],
)
def test_contradictions_are_reported(layers: Layers, flags: Mapping[str, str], problem: str) -> None:
    layers.flags |= flags
    (told,) = layers.problems()
    assert told.startswith(problem)


def test_a_password_without_a_user_is_told(layers: Layers) -> None:
    layers.environment["CAMERA_APPLIANCE_MQTT_PASSWORD"] = SECRET
    assert layers.problems() == ["mqtt.password: has no effect without mqtt.username"]


@given(st.binary() | st.text().map(str.encode))
@hypothesis_settings(deadline=None)
def test_any_file_or_dotenv_gives_settings_or_problems(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        layers = Layers(Path(directory))
        for path in (layers.file, layers.dotenv):
            path.write_bytes(content)
            with suppress(ConfigurationError):
                layers.load()
            path.unlink()


_SCALAR = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
_NESTED = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
_NAMES = st.sampled_from([*SETTINGS.parameters(), "http.prot", "camera", "nothing.at.all"])


@given(st.dictionaries(_NAMES, _NESTED, max_size=5))
@hypothesis_settings(deadline=None)
def test_any_value_gives_settings_or_problems_that_name_the_setting(values: dict[str, object]) -> None:
    # JSON and TOML agree on these values, but for DEL.
    lines = [f"{name} = {json.dumps(value).replace(chr(127), '')}" for name, value in values.items()]
    variables = [f"{settings.environment_name(name)}={json.dumps(value)}" for name, value in values.items()]
    with tempfile.TemporaryDirectory() as directory:
        layers = Layers(Path(directory))
        for path, content in ((layers.file, lines), (layers.dotenv, variables)):
            path.write_text("\n".join(content), encoding="utf-8")
            try:
                loaded, _ = layers.load()
            except ConfigurationError as error:
                assert all(error.problems)  # noqa: PT017
            else:
                assert isinstance(loaded, Settings)
            path.unlink()


# ---------------------------------------------------------------- .env


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("CAMERA_APPLIANCE_MQTT_HOST=broker", "broker"),
        ("CAMERA_APPLIANCE_MQTT_HOST = broker ", "broker"),
        ("export CAMERA_APPLIANCE_MQTT_HOST=broker", "broker"),
        ("CAMERA_APPLIANCE_MQTT_HOST=broker # the one upstairs", "broker"),
        ("CAMERA_APPLIANCE_MQTT_HOST='the # broker'", "the # broker"),
        ('CAMERA_APPLIANCE_MQTT_HOST="a \\"quoted\\" broker"', 'a "quoted" broker'),
        ("CAMERA_APPLIANCE_MQTT_HOST='$HOME ${HOME}'", "$HOME ${HOME}"),
        ("CAMERA_APPLIANCE_MQTT_HOST=$HOME", "$HOME"),
        ("CAMERA_APPLIANCE_MQTT_HOST=Küche", "Küche"),
        ("CAMERA_APPLIANCE_MQTT_HOST=broker\r", "broker"),
        ("\ufeffCAMERA_APPLIANCE_MQTT_HOST=broker", "broker"),
        ("CAMERA_APPLIANCE_MQTT_HOST=first\nCAMERA_APPLIANCE_MQTT_HOST=second", "second"),
        ("CAMERA_APPLIANCE_MQTT_HOST=", ""),
        ("# CAMERA_APPLIANCE_MQTT_HOST=broker", ""),
    ],
)
def test_dotenv_is_read_as_people_write_it(layers: Layers, line: str, value: str) -> None:
    layers.dotenv.write_text(line + "\n", encoding="utf-8", newline="")
    assert layers.load()[0].mqtt.host == value


@pytest.mark.parametrize(
    "line",
    [
        'CAMERA_APPLIANCE_MQTT_PASSWORD="' + SECRET,
        f"CAMERA_APPLIANCE_MQTT_PASSWORD {SECRET}",
        f"CAMERA_APPLIANCE_MQTT_PASSWORD: {SECRET}",
        f"CAMERA_APPLIANCE_MQTT_PASSWORD='{SECRET}'s",
    ],
)
def test_a_line_of_dotenv_that_cannot_be_understood_is_told_not_skipped(layers: Layers, line: str) -> None:
    layers.dotenv.write_text(f"A=1\n{line}\nB=2\n")
    (told,) = layers.problems()
    assert told.startswith(f"{layers.dotenv}: line 2 cannot be understood")
    assert SECRET not in told


@pytest.mark.parametrize(
    "content", [b"CAMERA_APPLIANCE_MQTT_HOST=\xff\xfe\n", "A=ü\n".encode("latin-1"), b"\xff\xfeA\0"]
)
def test_dotenv_in_an_odd_encoding_is_told(layers: Layers, content: bytes) -> None:
    layers.dotenv.write_bytes(content)
    (told,) = layers.problems()
    assert told.startswith(f"{layers.dotenv}: cannot be read: ")


def test_a_folder_of_that_name_is_no_dotenv(layers: Layers) -> None:
    layers.dotenv.mkdir()
    assert layers.load()[0] == Settings()


def test_an_unreadable_dotenv_is_told_and_one_that_cannot_be_seen_is_none() -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        folder.chmod(0o755)
        dotenv = folder / ".env"
        dotenv.write_text("CAMERA_APPLIANCE_MQTT_HOST=broker\n")
        dotenv.chmod(0)
        with nobody(), pytest.raises(ConfigurationError, match=r"\.env: cannot be read: "):
            settings.load(environment={}, dotenv=dotenv)
        folder.chmod(stat.S_IWUSR)
        with nobody():
            assert settings.load(environment={}, dotenv=dotenv)[0] == Settings()
        folder.chmod(0o755)


# ---------------------------------------------------------------- secrets


def test_a_credential_of_systemd_is_the_password(layers: Layers) -> None:
    layers.credential("mqtt-password", f"{SECRET}\r\n".encode())
    layers.flags["mqtt.username"] = "me"
    loaded, effective = layers.load()
    assert loaded.mqtt.password == SECRET
    assert effective["mqtt.password"].origin == "credential mqtt-password"


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_credential_is_none(layers: Layers, content: bytes) -> None:
    layers.credential("mqtt-password", content)
    assert layers.load()[0].mqtt.password == ""


def test_a_credentials_directory_without_ours_does_not_matter(layers: Layers) -> None:
    layers.credential("other", b"x")
    assert layers.load()[0] == Settings()


def test_any_setting_may_be_a_credential(layers: Layers) -> None:
    layers.credential("mqtt-username", b"door\n")
    layers.credential("mqtt-password", b"secret")
    mqtt = layers.load()[0].mqtt
    assert (mqtt.username, mqtt.password) == ("door", "secret")


def test_a_secret_is_shown_as_set_or_not(layers: Layers) -> None:
    _, effective = layers.load()
    assert effective["mqtt.password"].shown() == "(not set)"
    layers.environment |= {"CAMERA_APPLIANCE_MQTT_PASSWORD": SECRET, "CAMERA_APPLIANCE_MQTT_USERNAME": "me"}
    _, effective = layers.load()
    assert effective["mqtt.password"].shown() == "(set)"
    assert SECRET not in "".join(entry.shown() for entry in effective.values())


@pytest.mark.parametrize(
    ("source", "as_shown"),
    [
        (f"rtsp://me:{SECRET}@door/stream", "rtsp://me:***@door/stream"),
        (f"rtsp://me@mail.org:{SECRET}@door/stream", "rtsp://me@mail.org:***@door/stream"),
        (f"RTSP://me:{SECRET}@door/", "RTSP://me:***@door/"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_the_password_in_the_address_of_a_camera_is_not_shown(layers: Layers, source: str, as_shown: str) -> None:
    layers.environment["CAMERA_APPLIANCE_CAMERA_SOURCE"] = source
    loaded, effective = layers.load()
    assert loaded.camera.source == source
    assert effective["camera.source"].shown() == as_shown


@pytest.mark.parametrize(
    "line", [f'password = ["{SECRET}"]', f'password = {{"{SECRET}" = 1}}', f'password = "{SECRET * 99}"']
)
def test_a_secret_is_not_shown_when_it_is_wrong(layers: Layers, line: str) -> None:
    layers.file.write_text(f"[mqtt]\n{line}\n")
    (told,) = layers.problems()
    assert told == f"{layers.file}: mqtt.password: the value given is not a text of at most 1024 characters"


def test_values_are_shown_as_a_file_would_have_them(layers: Layers) -> None:
    _, effective = layers.load()
    assert effective["mqtt.tls"].shown() == "false"
    assert effective["http.port"].shown() == "8000"
    assert effective["camera.fps"].shown() == "30.0"


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("http.allowed_hosts", " a.example , *.b.example,,", "a.example,*.b.example"),
        (
            "http.cors_origins",
            "https://a.example:8443, http://[2001:db8::1]",
            "https://a.example:8443,http://[2001:db8::1]",
        ),
        ("http.cors_origins", "*, https://a.example", "*,https://a.example"),
        ("http.trusted_proxies", "10.0.0.1,2001:db8::/32", "10.0.0.1,2001:db8::/32"),
        ("http.frame_origins", "", ""),
    ],
)
def test_a_list_is_one_text_with_commas(layers: Layers, name: str, given: str, kept: str) -> None:
    layers.flags[name] = given
    _, effective = layers.load()
    assert effective[name].value == kept


def test_a_list_may_be_one_in_the_file(layers: Layers) -> None:
    layers.file.write_text('[http]\nallowed_hosts = ["a.example", "b.example"]\n')
    _, effective = layers.load()
    assert effective["http.allowed_hosts"].value == "a.example,b.example"


@pytest.mark.parametrize(
    ("name", "given", "entry"),
    [
        ("http.allowed_hosts", "good.example, bad host", "bad host"),
        ("http.allowed_hosts", "*", "*"),
        ("http.cors_origins", "https://*.example", "https://*.example"),
        ("http.frame_origins", "*", "*"),
        ("http.cors_origins", "https://a.example/path", "https://a.example/path"),
        ("http.frame_origins", "https://a.example; script-src *", "https://a.example; script-src *"),
        ("http.cors_origins", "null", "null"),
    ],
)
def test_an_entry_of_a_list_that_is_wrong_is_named(layers: Layers, name: str, given: str, entry: str) -> None:
    layers.flags[name] = given
    (told,) = layers.problems()
    assert f'{name}: "{entry}" is not' in told


@pytest.mark.parametrize("url", ["home.example", "ftp://home.example", "http://", "http://[::1", "http://a b/"])
def test_a_public_address_that_is_none_is_refused(layers: Layers, url: str) -> None:
    layers.flags["http.public_url"] = url
    (told,) = layers.problems()
    assert "http.public_url" in told


@pytest.mark.parametrize("token", ["short", "x" * 15, "with space 1234567890", "ümlaut-1234567890123"])
def test_a_weak_or_unsendable_token_is_refused_and_not_shown(layers: Layers, token: str) -> None:
    layers.environment["CAMERA_APPLIANCE_HTTP_TOKEN"] = token
    (told,) = layers.problems()
    assert "http.token" in told
    assert token not in told


@pytest.mark.parametrize(
    "way",
    [
        {"http.password": SECRET},
        {"http.viewer_password": SECRET},
        {"http.token": "t" * 16},
        {"http.viewer_token": "t" * 16},
        {"http.open": "true"},
    ],
    ids=lambda way: next(iter(way)),
)
def test_each_way_to_say_who_may_do_what_is_enough_beyond_the_loopback(layers: Layers, way: dict[str, str]) -> None:
    layers.flags["http.host"] = "0.0.0.0"
    assert "no setting says who may view and control" in layers.problems()[0]
    layers.environment |= {settings.environment_name(name): value for name, value in way.items()}
    layers.load()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "localhost"])
def test_the_loopback_needs_no_access_settings(layers: Layers, host: str) -> None:
    layers.flags["http.host"] = host
    layers.load()


@pytest.mark.parametrize("host", ["::", "192.0.2.1", "camera.lan", "127.0.0.1.evil.example", "0", "2130706433"])
def test_any_address_but_the_loopback_counts_as_open_to_others(layers: Layers, host: str) -> None:
    layers.flags["http.host"] = host
    assert "no setting says who may view and control" in layers.problems()[0]
