"""Every setting, declared once.

A setting is a field of one of the sections below. Its name in the file (`[http] port`), its environment variable
(`CAMERA_APPLIANCE_HTTP_PORT`), its flag (`--http-port`), its check and its documentation all follow from that field.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from appliance.parameters import Parameter, Value
from appliance.settings.declaration import parameters_of, setting

_BEARER = "|[A-Za-z0-9._~+/=-]{16,}"  # RFC 6750; or none at all
_ORIGIN = r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """The camera and the requested format."""

    name: str = setting(
        "camera",
        "Name of this camera in topics, in file names and on the page. Do not change it later: home automation "
        "identifies the camera by its name.",
        pattern="[a-z0-9][a-z0-9_-]*",
        maximum_length=63,
    )
    source: str = setting(
        "auto",
        "Source of the frames: `auto` (the first camera found, otherwise the test pattern), `test-pattern`, a device "
        "such as `/dev/video0` or `/dev/v4l/by-id/...`, a URL (`rtsp://`, `http://`) or a video file.",
    )
    width: int = setting(1280, "Requested width of the frames.", minimum=16, maximum=8192, unit="pixels")
    height: int = setting(720, "Requested height of the frames.", minimum=16, maximum=8192, unit="pixels")
    fps: float = setting(30.0, "Requested frames per second.", minimum=0.1, maximum=240, unit="1/s")
    pixel_format: str = setting(
        "auto",
        "Pixel format requested from a V4L2 device, as four characters (`MJPG`, `YUYV`). `auto` selects `MJPG` if the "
        "device supports it, because such frames are passed through unchanged.",
        pattern="auto|[A-Za-z0-9 ]{4}",
    )
    jpeg_quality: int = setting(
        80,
        "JPEG quality of frames that the appliance encodes itself (raw formats, test pattern).",
        minimum=1,
        maximum=100,
    )
    rotate: str = setting(
        "0",
        "Degrees by which the picture is rotated clockwise. This costs no processor time: the orientation is written "
        "into each JPEG, and browsers apply it.",
        choices=("0", "90", "180", "270"),
    )
    flip_horizontal: bool = setting(False, "Mirror the picture horizontally before it is rotated.")
    flip_vertical: bool = setting(False, "Mirror the picture vertically before it is rotated.")
    stall_timeout: int = setting(
        2,
        "Time without a frame after which a device is closed and opened again. For a URL it is at least 5 s, because "
        "its stream may begin with the next keyframe.",
        minimum=1,
        maximum=60,
        unit="s",
    )
    frozen_after: float = setting(
        10.0,
        "Time after which a device that delivers identical frames is considered frozen. 0 disables the check.",
        minimum=0,
        maximum=3600,
        unit="s",
    )
    idle: str = setting(
        "open",
        "What happens to the camera while no frames are needed. `open` keeps it running, `slow` takes one frame a "
        "second from a V4L2 device, and `close` closes it, which switches its light off. The first viewer or snapshot "
        "always gets a fresh frame; from a closed camera, as soon as it is open again.",
        choices=("open", "slow", "close"),
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The page, the stream and the HTTP commands."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on: `0.0.0.0` for every IPv4 address of the machine, `::` for every address. On any address "
        "other than the loopback, the appliance starts only with a password, a token or `http.open = true`.",
    )
    port: int = setting(8000, "Port to listen on. 0 selects a free port.", minimum=0, maximum=65535)
    open: bool = setting(
        False, "Allow everyone who can reach the address to view and control the camera without a password."
    )
    password: str = setting(
        "",
        "Password of the user `admin`, who may view and control the camera. Preferably a hash made by "
        "`camera-appliance hash-password`, and under systemd the credential `http-password`.",
        secret=True,
    )
    viewer_password: str = setting(
        "", "Password of the user `viewer`, who may view the camera but not control it. Preferably a hash.", secret=True
    )
    viewer_open: bool = setting(False, "Allow everyone to view the camera. Controlling it still requires logging in.")
    token: str = setting(
        "",
        "Token for programs that view and control the camera, sent as `Authorization: Bearer TOKEN`. At least 16 "
        "characters.",
        secret=True,
        pattern=_BEARER,
    )
    viewer_token: str = setting(
        "",
        "Token for programs that only view the camera, sent as `Authorization: Bearer TOKEN` or, if a program cannot "
        "send headers, as `?token=TOKEN`. At least 16 characters.",
        secret=True,
        pattern=_BEARER,
    )
    allowed_hosts: str = setting(
        "",
        "Host names under which browsers may reach the appliance, such as `camera.example.org`; `*.example.org` stands "
        "for every name below it. Always allowed are every numeric address, names without a dot, names in `.local`, "
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
        "Origins of other sites that may embed the page in a frame, such as Home Assistant at "
        "`http://homeassistant.local:8123`.",
        separated=True,
        pattern=_ORIGIN,
    )
    trusted_proxies: str = setting(
        "",
        "Addresses or networks of reverse proxies whose headers `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are "
        "trusted.",
        separated=True,
        pattern="[0-9A-Fa-f.:]+(/[0-9]{1,3})?",
    )
    max_viewers: int = setting(
        100,
        "Maximum number of viewers of the stream. Further viewers are refused with status 503.",
        minimum=1,
        maximum=10000,
    )
    max_viewers_per_address: int = setting(
        50, "Maximum number of viewers from one IPv4 address or one IPv6 network (/64).", minimum=1, maximum=10000
    )
    viewer_timeout: float = setting(
        10.0, "Time after which a viewer that accepts no data is disconnected.", minimum=1, maximum=3600, unit="s"
    )
    tls_certificate: str = setting(
        "",
        "Certificate of this server (PEM), followed by its intermediate certificates. The server then uses HTTPS only. "
        "A changed file is loaded within seconds, without interrupting viewers.",
    )
    tls_key: str = setting("", "Private key of the certificate (PEM, without a passphrase).")
    tls_self_signed: bool = setting(
        False,
        "Use HTTPS with a self-signed certificate, which is created at the first start; its fingerprint is logged. "
        "Browsers ask once whether to trust it.",
    )
    public_url: str = setting(
        "",
        "Address under which others reach the page, for example behind a reverse proxy. Home automation links to it, "
        "its host name is allowed, and its origin counts as that of the page. If empty, it is derived from `host` and "
        "`port`.",
        pattern=rf"|({_ORIGIN})(/\S*)?",
    )


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The MQTT broker. Off while `host` is empty."""

    host: str = setting("", "Host name or address of the broker. If empty, MQTT is disabled.")
    port: int = setting(1883, "Port of the broker, usually 8883 with TLS.", minimum=1, maximum=65535)
    username: str = setting("", "User name at the broker. If empty, the connection is anonymous.")
    password: str = setting(
        "", "Password at the broker. Under systemd, prefer the credential `mqtt-password`.", secret=True
    )
    base_topic: str = setting(
        "camera-appliance",
        "First levels of all topics, followed by the name of the camera: `<base_topic>/<name>/state`.",
        pattern=r"[^+#/\s][^+#\s]*[^+#/\s]|[^+#/\s]",
        maximum_length=200,
    )
    keep_alive: int = setting(
        30,
        "Time without messages after which the broker is pinged. If it does not answer within the same time again, the "
        "connection is closed and opened again.",
        minimum=5,
        maximum=3600,
        unit="s",
    )
    live_interval: float = setting(
        0.0,
        "Interval at which the live picture is published on the topic `live`. 0 disables it. To watch the camera, use "
        "the stream over HTTP.",
        minimum=0,
        maximum=86400,
        unit="s",
    )
    max_picture_bytes: int = setting(
        1_000_000,
        "Maximum size of a published picture; a larger picture is reduced. Mosquitto 2.1 disconnects a client that "
        "sends more than 2,000,000 bytes in one message.",
        minimum=10_000,
        maximum=200_000_000,
        unit="bytes",
    )
    discovery: bool = setting(True, "Announce this camera to Home Assistant.")
    discovery_prefix: str = setting(
        "homeassistant",
        "Home Assistant's discovery prefix.",
        pattern=r"[^+#/\s][^+#\s]*[^+#/\s]|[^+#/\s]",
        maximum_length=200,
    )
    birth_topic: str = setting(
        "homeassistant/status",
        "Topic on which Home Assistant publishes `online` after its start; everything is then published again. If "
        "empty, no such topic is used.",
        pattern=r"[^+#\s]*",
        maximum_length=200,
    )
    protocol: str = setting("5", "Version of the MQTT protocol.", choices=("5", "3.1.1"))
    tls: bool = setting(False, "Encrypt the connection and verify the certificate of the broker.")
    tls_ca_file: str = setting(
        "", "Certificate authority of the broker (PEM). If empty, the authorities of the system are used."
    )
    tls_certificate_file: str = setting("", "Certificate of this client (PEM), if the broker requires one.")
    tls_key_file: str = setting("", "Private key of this client (PEM).")
    tls_insecure: bool = setting(False, "Do not verify that the certificate belongs to the host name of the broker.")


@dataclass(frozen=True, slots=True)
class PicturesSettings:
    """The stored pictures."""

    directory: str = setting(
        "pictures",
        "Folder of the pictures. It is created if it does not exist. Under systemd, the default is "
        "`$STATE_DIRECTORY/pictures`.",
    )
    max_bytes: int = setting(
        0,
        "Maximum total size of all pictures. If it is exceeded, the oldest pictures are deleted, never the newest. "
        "0 means no limit.",
        minimum=0,
        maximum=10**15,
        unit="bytes",
    )
    max_age: float = setting(
        0.0, "Age at which a picture is deleted. 0 means never.", minimum=0, maximum=36500, unit="days"
    )
    min_free: int = setting(
        0,
        "Space to keep free on the disk of the pictures. The oldest pictures are deleted to free it; if that is not "
        "enough, no picture is taken. 0 allows pictures to fill the disk.",
        minimum=0,
        maximum=10**15,
        unit="bytes",
    )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """The files that the appliance keeps for itself."""

    directory: str = setting(
        "state",
        "Folder of the saved control values and format. Under systemd, the default is `$STATE_DIRECTORY`.",
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log."""

    level: str = setting("info", "Minimum log level.", choices=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, constant for the life of the process; `features` holds the sections of features, by name."""

    camera: CameraSettings = field(default_factory=CameraSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    pictures: PicturesSettings = field(default_factory=PicturesSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    log: LogSettings = field(default_factory=LogSettings)
    features: Mapping[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> Any:
        """Return the section of that name, of the core or of a feature."""
        return self.features[name] if name in self.features else getattr(self, name)


class Sections(Iterable[tuple[str, type, tuple[Parameter, ...]]]):
    """The sections of the settings file: those of the core, and those of features.

    Iterating yields (name, class, parameters) of each; the parameters are named `section.name`.
    """

    def __init__(self, features: Mapping[str, type] | None = None) -> None:
        core = {name: hint for name, hint in get_type_hints(Settings).items() if name != "features"}
        self._features = dict(features or {})
        if twice := core.keys() & self._features.keys():
            raise ValueError(f"two sections have the name {', '.join(sorted(twice))}")
        self._classes: dict[str, type] = core | self._features

    def __iter__(self) -> Iterator[tuple[str, type, tuple[Parameter, ...]]]:
        for name, section in self._classes.items():
            yield name, section, parameters_of(name, section)

    def parameters(self) -> dict[str, Parameter]:
        """Return every setting by its name, in the order of declaration."""
        return {parameter.name: parameter for _, _, entries in self for parameter in entries}

    def values(self, settings: Settings) -> dict[str, Value]:
        """Return the values of all settings by their names."""
        return {
            name: getattr(settings.section(section), key)
            for name in self.parameters()
            for section, key in [name.split(".")]
        }

    def build(self, values: Mapping[str, Value]) -> Settings:
        """Return the settings with these checked values."""
        built = {
            name: section(**{entry.name.partition(".")[2]: values[entry.name] for entry in entries})
            for name, section, entries in self
        }
        features = {name: built.pop(name) for name in self._features}
        return Settings(**built, features=features)
