"""Every start-up setting, declared once.

A setting is a field of one of the sections below. Its name in the file (`[http] port`), its environment variable
(`CAMERA_APPLIANCE_HTTP_PORT`), its flag (`--http-port`), its check and its documentation all follow from that field.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

from appliance.parameters import Choice, Kind, Parameter, Value

PREFIX = "CAMERA_APPLIANCE_"

_KINDS: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text"}
_BEARER = "|[A-Za-z0-9._~+/=-]{16,}"  # RFC 6750; or none at all
_ORIGIN = r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"


def setting(default: Value, help: str, *, choices: tuple[str, ...] = (), **limits: Any) -> Any:
    """Declare one setting: its default, a sentence of help, and limits as `Parameter` names them."""
    metadata = {"help": help, "choices": choices, "limits": limits}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """The camera and the format that is asked of it."""

    name: str = setting(
        "camera",
        "Name of this camera in topics, file names and on the page. Keep it: home automation knows the camera by it.",
        pattern="[a-z0-9][a-z0-9_-]*",
        maximum_length=63,
    )
    source: str = setting(
        "auto",
        "Where frames come from: `auto` (the first camera found, else the test pattern), `test-pattern`, a device "
        "such as `/dev/video0` or `/dev/v4l/by-id/...`, a URL (`rtsp://`, `http://`) or a video file.",
    )
    width: int = setting(1280, "Width of the frames asked for.", minimum=16, maximum=8192, unit="pixels")
    height: int = setting(720, "Height of the frames asked for.", minimum=16, maximum=8192, unit="pixels")
    fps: float = setting(30.0, "Frames per second asked for.", minimum=0.1, maximum=240, unit="1/s")
    pixel_format: str = setting(
        "auto",
        "Pixel format asked of a V4L2 device, as its four characters (`MJPG`, `YUYV`). `auto` takes `MJPG` where the "
        "device has it: such frames are passed on untouched.",
        pattern="auto|[A-Za-z0-9 ]{4}",
    )
    jpeg_quality: int = setting(
        80, "Quality of frames that the appliance itself encodes (raw formats, test pattern).", minimum=1, maximum=100
    )
    rotate: str = setting(
        "0",
        "Turn the picture clockwise by so many degrees. It costs nothing: each JPEG says which way is up, and browsers "
        "turn it.",
        choices=("0", "90", "180", "270"),
    )
    flip_horizontal: bool = setting(False, "Mirror the picture, left to right, before it is turned.")
    flip_vertical: bool = setting(False, "Mirror the picture, top to bottom, before it is turned.")
    stall_timeout: int = setting(
        2,
        "A device that gives no frame for so long is opened anew; a URL gets 5 s at least, as its stream may begin "
        "with the next keyframe.",
        minimum=1,
        maximum=60,
        unit="s",
    )
    frozen_after: float = setting(
        10.0,
        "A device that gives the same picture, byte for byte, for so long counts as frozen. 0 switches that off.",
        minimum=0,
        maximum=3600,
        unit="s",
    )
    idle: str = setting(
        "open",
        "What to do with the camera while nobody needs frames: keep it `open`; `slow` takes one frame a second from a "
        "V4L2 device; `close` closes it, so that its light is off. The first viewer or snapshot gets a fresh frame: at "
        "once, or when a closed camera is open again.",
        choices=("open", "slow", "close"),
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The page, the stream and the HTTP commands."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on; `0.0.0.0` is every IPv4 address of the machine, `::` every address. Beyond the loopback "
        "the appliance starts only with a password or token, or with `http.open = true`.",
    )
    port: int = setting(8000, "Port to listen on; 0 takes any free one.", minimum=0, maximum=65535)
    open: bool = setting(
        False, "Let everybody who can reach the address see and control the camera, without a password."
    )
    password: str = setting(
        "",
        "Password of `admin`, who may see and control. Best as a hash, which `camera-appliance hash-password` makes; "
        "under systemd as the credential `http-password`.",
        secret=True,
    )
    viewer_password: str = setting("", "Password of `viewer`, who may see, not control. Best as a hash.", secret=True)
    viewer_open: bool = setting(False, "Let everybody see; to control, one has to log in.")
    token: str = setting(
        "",
        "Token for programs that see and control, sent as `Authorization: Bearer TOKEN`. At least 16 characters.",
        secret=True,
        pattern=_BEARER,
    )
    viewer_token: str = setting(
        "",
        "Token for programs that see; where they cannot send it as `Authorization: Bearer TOKEN`, `?token=TOKEN` will "
        "do. At least 16 characters.",
        secret=True,
        pattern=_BEARER,
    )
    allowed_hosts: str = setting(
        "",
        "Names by which browsers may call the appliance, such as `camera.example.org`; `*.example.org` stands for "
        "every name below it. Always allowed are: every numeric address, names without a dot, names in `.local`, "
        "`.lan`, `.home`, `.home.arpa`, `.internal`, `.localdomain`, `.localhost` and `fritz.box`, the names of the "
        "machine, and the name in `public_url`.",
        separated=True,
        pattern=r"(\*\.)?[A-Za-z0-9._:-]+",
    )
    cors_origins: str = setting(
        "",
        "Origins of other sites whose pages may use the appliance in a visitor's browser, such as "
        "`https://home.example.org`. `*` lets the pages of every site read what the right to view allows (stream, "
        "snapshot, state, pictures), and change nothing.",
        separated=True,
        pattern=rf"\*|{_ORIGIN}",
    )
    frame_origins: str = setting(
        "",
        "Other sites whose pages may show the page in a frame, such as Home Assistant's `http://homeassistant.local:8123`.",
        separated=True,
        pattern=_ORIGIN,
    )
    trusted_proxies: str = setting(
        "",
        "Addresses or networks of reverse proxies, whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are "
        "believed.",
        separated=True,
        pattern="[0-9A-Fa-f.:]+(/[0-9]{1,3})?",
    )
    max_viewers: int = setting(
        100, "How many viewers may watch the stream at once. One more gets 503.", minimum=1, maximum=10000
    )
    max_viewers_per_address: int = setting(
        50, "How many of them may come from one address, or from one IPv6 network (/64).", minimum=1, maximum=10000
    )
    viewer_timeout: float = setting(
        10.0, "A viewer that takes not one byte for so long is disconnected.", minimum=1, maximum=3600, unit="s"
    )
    tls_certificate: str = setting(
        "",
        "Certificate of this server (PEM), with those that lead to its authority. With it the server speaks HTTPS "
        "only. A changed file is taken over within seconds, and no viewer notices.",
    )
    tls_key: str = setting("", "Private key of the certificate (PEM, without a password).")
    tls_self_signed: bool = setting(
        False,
        "Speak HTTPS with a certificate of our own, made at the first start; its fingerprint is logged. Browsers ask "
        "once whether to trust it.",
    )
    public_url: str = setting(
        "",
        "Address of the page as others reach it, for example behind a reverse proxy. Home automation links to it; its "
        "name is allowed, and its page may change things. Empty: worked out from `host` and `port`.",
        pattern=rf"|({_ORIGIN})(/\S*)?",
    )


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The MQTT broker. Off while `host` is empty."""

    host: str = setting("", "Name or address of the broker. Empty: no MQTT.")
    port: int = setting(1883, "Port of the broker; usually 8883 with TLS.", minimum=1, maximum=65535)
    username: str = setting("", "User name at the broker. Empty: log in without one.")
    password: str = setting(
        "", "Password at the broker. Under systemd better as the credential `mqtt-password`.", secret=True
    )
    base_topic: str = setting(
        "camera-appliance",
        "All topics begin with this and the camera's name: `<base_topic>/<name>/state`.",
        pattern=r"[^+#/\s][^+#\s]*[^+#/\s]|[^+#/\s]",
        maximum_length=200,
    )
    keep_alive: int = setting(
        30,
        "A broker that says nothing for so long is asked whether it lives; without an answer in as much time again the "
        "connection is made anew.",
        minimum=5,
        maximum=3600,
        unit="s",
    )
    live_interval: float = setting(
        0.0,
        "Publish the live picture on `live` so often. 0 switches that off; the stream over HTTP is the better way to "
        "watch.",
        minimum=0,
        maximum=86400,
        unit="s",
    )
    max_picture_bytes: int = setting(
        1_000_000,
        "A larger picture is published smaller. Mosquitto 2.1 throws out a client that sends more than 2,000,000 bytes "
        "at once.",
        minimum=10_000,
        maximum=200_000_000,
        unit="bytes",
    )
    discovery: bool = setting(True, "Let Home Assistant find this camera.")
    discovery_prefix: str = setting(
        "homeassistant",
        "Home Assistant's discovery prefix.",
        pattern=r"[^+#/\s][^+#\s]*[^+#/\s]|[^+#/\s]",
        maximum_length=200,
    )
    birth_topic: str = setting(
        "homeassistant/status",
        "Where Home Assistant says `online` after its start; everything is published anew then. Empty: nowhere.",
        pattern=r"[^+#\s]*",
        maximum_length=200,
    )
    protocol: str = setting("5", "Version of the MQTT protocol.", choices=("5", "3.1.1"))
    tls: bool = setting(False, "Encrypt the connection and check the broker's certificate.")
    tls_ca_file: str = setting("", "Certificate authority of the broker (PEM). Empty: those of the system.")
    tls_certificate_file: str = setting("", "Certificate of this client (PEM), where the broker asks for one.")
    tls_key_file: str = setting("", "Private key of this client (PEM).")
    tls_insecure: bool = setting(False, "Do not check that the certificate names the broker's host.")


@dataclass(frozen=True, slots=True)
class PicturesSettings:
    """The pictures that are taken."""

    directory: str = setting(
        "pictures", "Folder of the pictures, made when missing. Under systemd by default `$STATE_DIRECTORY/pictures`."
    )
    max_bytes: int = setting(
        0,
        "Most bytes that all pictures together may have. Beyond, the oldest are deleted, never the newest. "
        "0: no limit.",
        minimum=0,
        maximum=10**15,
        unit="bytes",
    )
    max_age: float = setting(
        0.0, "Days after which a picture is deleted. 0: never.", minimum=0, maximum=36500, unit="days"
    )
    min_free: int = setting(
        0,
        "Bytes that have to stay free on the disk of the pictures. To keep them the oldest pictures are deleted; where "
        "that would not be enough, no picture is taken. 0: pictures may fill the disk.",
        minimum=0,
        maximum=10**15,
        unit="bytes",
    )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What the appliance remembers itself."""

    directory: str = setting(
        "state",
        "Folder where control values and the format are remembered. Under systemd by default `$STATE_DIRECTORY`.",
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged."""

    level: str = setting("info", "Least weight of what is logged.", choices=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, frozen for the life of the process."""

    camera: CameraSettings = field(default_factory=CameraSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    pictures: PicturesSettings = field(default_factory=PicturesSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    log: LogSettings = field(default_factory=LogSettings)


def sections() -> Iterator[tuple[str, type, tuple[Parameter, ...]]]:
    """Yield (name, class, parameters) of each section; the parameters are named `section.name`."""
    for name, section in get_type_hints(Settings).items():
        hints = get_type_hints(section)
        yield name, section, tuple(_parameter(name, entry, hints[entry.name]) for entry in fields(section))


def parameters() -> dict[str, Parameter]:
    """Return every setting by its name, in the order of declaration."""
    return {parameter.name: parameter for _, _, entries in sections() for parameter in entries}


def values(settings: Settings) -> dict[str, Value]:
    """Return the values of all settings by their names."""
    return {
        name: getattr(getattr(settings, section), key) for name in parameters() for section, key in [name.split(".")]
    }


def environment_name(name: str) -> str:
    """Return the environment variable of a setting: `http.port` is `CAMERA_APPLIANCE_HTTP_PORT`."""
    return PREFIX + name.replace(".", "_").upper()


def credential_name(name: str) -> str:
    """Return the credential of systemd that holds a setting: `mqtt.password` is `mqtt-password`."""
    return name.replace(".", "-").replace("_", "-")


def flag(name: str) -> str:
    """Return the flag of a setting: `http.max_viewers` is `--http-max-viewers`."""
    return "--" + name.replace(".", "-").replace("_", "-")


def _parameter(section: str, entry: Any, hint: type) -> Parameter:
    metadata = entry.metadata
    choices = tuple(Choice(choice, choice) for choice in metadata["choices"])
    return Parameter(
        name=f"{section}.{entry.name}",
        kind="menu" if choices else _KINDS[hint],
        help=metadata["help"],
        default=entry.default,
        choices=choices,
        **metadata["limits"],
    )
