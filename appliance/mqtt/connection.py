"""Connection parameters: client id, credentials, TLS, and reconnect delays."""

import hashlib
import ssl
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt import properties
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.exception import MalformedPacket

from appliance.errors import ConfigurationError
from appliance.settings import MqttSettings

RETRY = (1, 60)  # s, minimum and maximum, doubling
RETRY_AFTER_CONFLICT = (60, 60)  # s: two clients with the same id would disconnect each other in a loop


def new_client(settings: MqttSettings, identity: str, will: str | None, queued: int) -> paho.Client:
    """Return a client that is not connected yet, with the will `offline` on the topic `will`, if given.

    Raises ConfigurationError if the settings can never lead to a connection.
    """
    _check_host(settings.host)
    protocol = paho.MQTTv5 if settings.protocol == "5" else paho.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=identity, protocol=protocol)
    client.max_queued_messages_set(queued)
    client.reconnect_delay_set(*RETRY)
    if will:
        client.will_set(will, "offline", qos=1, retain=True)
    if settings.username:
        client.username_pw_set(settings.username, settings.password or None)
    if settings.tls:
        client.tls_set_context(_tls_context(settings))
    return client


def client_id(name: str, base_topic: str, machine_id: Path = Path("/etc/machine-id")) -> str:
    """Return a unique client id, because a broker disconnects a client when another one uses its id.

    It is stable across restarts, so that a new connection replaces a stale one.
    """
    try:
        machine = machine_id.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    if len(machine) != 32:  # the file is empty in container images
        machine = str(time.time_ns())
    return f"camera-appliance-{name}-{hashlib.sha256(f'{machine}/{base_topic}/{name}'.encode()).hexdigest()[:8]}"


def _read_text(buffer: bytes, most: int) -> tuple[str, int]:
    """Return a text property of a packet, and its size in bytes.

    Replaces the function of paho, which closes the connection for U+FEFF. MQTT 5 allows that character (1.5.4) and
    brokers forward it, so a retained message with it in a property would make every connection fail.
    """
    size = int.from_bytes(buffer[:2], "big")
    if most < 2 + size:
        raise MalformedPacket("a text that is shorter than its length")
    try:
        return buffer[2 : 2 + size].decode(), 2 + size
    except UnicodeDecodeError as error:
        raise MalformedPacket(f"a text that is not UTF-8: {error}") from None


properties.readUTF = _read_text


def _check_host(host: str) -> None:
    """Raise ConfigurationError for an invalid host name, which would end the thread of paho."""
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ConfigurationError([f"mqtt.host: {host!r} is not a valid host name: {error}"]) from None


def _tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Return the TLS context. Raises ConfigurationError."""
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    except OSError as error:
        raise ConfigurationError([f"mqtt.tls_ca_file: no certificates in {settings.tls_ca_file}: {error}"]) from None
    context.check_hostname = not settings.tls_insecure
    if settings.tls_certificate_file:
        certificate, key = settings.tls_certificate_file, settings.tls_key_file or None
        try:
            context.load_cert_chain(certificate, key, password="")  # otherwise OpenSSL would prompt on the terminal
        except OSError as error:
            files = f"{certificate}, {key or certificate}: no certificate with its key, unencrypted"
            raise ConfigurationError([f"mqtt.tls_certificate_file, mqtt.tls_key_file: {files}: {error}"]) from None
    return context
