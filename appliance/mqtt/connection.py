"""What a connection to the broker needs: an identity, credentials, and whom to trust."""

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

RETRY = (1, 60)  # s, first and last, doubling
RETRY_AFTER_CONFLICT = (60, 60)  # s: two clients with one id would throw each other out without end


def new_client(settings: MqttSettings, identity: str, will: str | None, queued: int) -> paho.Client:
    """Return a client that is not connected yet, with `offline` as its will on that topic, if it has one.

    Raises ConfigurationError where the settings cannot lead to a connection whatever the broker does.
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
    """Return an id that no other client of the broker has: two with the same would throw each other out for ever.

    It stays the same over a restart, so that a connection which the broker believes alive is replaced.
    """
    try:
        machine = machine_id.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    if len(machine) != 32:  # In images of containers the file is there, and empty.
        machine = str(time.time_ns())
    return f"camera-appliance-{name}-{hashlib.sha256(f'{machine}/{base_topic}/{name}'.encode()).hexdigest()[:8]}"


def _read_text(buffer: bytes, most: int) -> tuple[str, int]:
    """Return the text at the beginning of the properties of a packet, and how many bytes it takes.

    Replaces paho's: that one ends the connection because of U+FEFF, which MQTT 5 allows (1.5.4) and brokers pass on. A
    retained message with one in a property would keep us away for ever.
    """
    size = int.from_bytes(buffer[:2], "big")
    if most < 2 + size:
        raise MalformedPacket("a text that ends before its length")
    try:
        return buffer[2 : 2 + size].decode(), 2 + size
    except UnicodeDecodeError as error:
        raise MalformedPacket(f"a text that is not UTF-8: {error}") from None


properties.readUTF = _read_text


def _check_host(host: str) -> None:
    """Raise ConfigurationError for what no resolver takes; in paho's thread it would be the end of the thread."""
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ConfigurationError([f"mqtt.host: {host!r} is not the name of a host: {error}"]) from None


def _tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Return how to trust the broker and what to show it. Raises ConfigurationError."""
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    except OSError as error:
        raise ConfigurationError([f"mqtt.tls_ca_file: no certificates in {settings.tls_ca_file}: {error}"]) from None
    context.check_hostname = not settings.tls_insecure
    if settings.tls_certificate_file:
        certificate, key = settings.tls_certificate_file, settings.tls_key_file or None
        try:
            context.load_cert_chain(certificate, key, password="")  # else it would ask on the terminal
        except OSError as error:
            files = f"{certificate}, {key or certificate}: no certificate with its key, unencrypted"
            raise ConfigurationError([f"mqtt.tls_certificate_file, mqtt.tls_key_file: {files}: {error}"]) from None
    return context
