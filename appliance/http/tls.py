"""The certificate of the HTTP server: checked before it is used, taken over when its files change, made where wished.

A certificate is tried out by a handshake with ourselves in memory: that finds every mistake that a browser would, with
nothing but the standard library. Connections that exist keep what they began with.
"""

import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from appliance.errors import ConfigurationError
from appliance.settings import HttpSettings
from appliance.system.log import logger

log = logger(__name__)

WAITS = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a socket that does not block raises when it has to wait, encrypted or not."""

SELF_SIGNED = ("http-certificate.pem", "http-key.pem")
"""Files of the certificate that the appliance made itself, in the folder of what it remembers."""

_VALID_FOR = 820  # days: Apple's systems refuse certificates that are valid for more than 825
_RENEWED = 30  # days before the end
_DAY = 86400.0  # s
_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID, openssl/x509_vfy.h

_NO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 57\r\n\r\n"
    b"This port speaks HTTPS only: begin the address https://.\n"
)

_Stamp = tuple[tuple[int, int, int], ...]


class Tls:
    """Encrypts connections with the certificate that is in force now."""

    def __init__(self, certificate: Path, key: Path, is_ours: bool = False) -> None:
        """Take the certificate from PEM files. Raises ConfigurationError.

        One that is `is_ours` is made when it is missing or will soon end.
        """
        self._certificate, self._key, self._is_ours = certificate, key, is_ours
        self._make_at = 0.0  # not before that, by the monotonic clock
        if is_ours and not _lasts(certificate, key, _RENEWED):
            self._make(is_needed=not _lasts(certificate, key, 0))
        self._stamp = self._seen = _stamp(certificate, key)
        self._context, self._ends_at = load(certificate, key)
        log.info("certificate %s: SHA-256 fingerprint %s", certificate, fingerprint(certificate))

    def wrap(self, connection: socket.socket) -> ssl.SSLSocket:
        """Return the connection, encrypted; the handshake is yet to be made."""
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def refresh(self) -> None:
        """Take a changed certificate over, if it is good; else keep the one in force and log why.

        Files that were changed since the last look are left until the next: somebody may still be writing.
        """
        if self._is_ours and time.time() > self._ends_at - _RENEWED * _DAY and time.monotonic() >= self._make_at:
            self._make(is_needed=False)
        before, self._seen = self._seen, _stamp(self._certificate, self._key)
        if self._seen == self._stamp or self._seen != before:
            return
        self._stamp = self._seen
        try:
            self._context, self._ends_at = load(self._certificate, self._key)
        except ConfigurationError as error:
            log.error("the new certificate cannot be used, so the old one stays in use: %s", "; ".join(error.problems))
        else:
            log.info("new certificate %s: SHA-256 fingerprint %s", self._certificate, fingerprint(self._certificate))

    def _make(self, is_needed: bool) -> None:
        """Make our own certificate anew. Raises ConfigurationError if it is needed; otherwise the old one does."""
        self._make_at = time.monotonic() + _DAY / 24
        try:
            make(self._certificate, self._key)
        except ConfigurationError as error:
            if is_needed:
                raise
            log.error("%s expires soon or has expired: %s", self._certificate, "; ".join(error.problems))


def say_goodbye(connection: socket.socket) -> None:
    """Tell an encrypted connection that it ends here, if there is room for that; a plain one needs no words."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):
            connection.unwrap()


def shake_hands(connection: ssl.SSLSocket) -> None:
    """Go on with the handshake. Raises one of `WAITS`, or OSError where there cannot be one.

    Who speaks plain HTTP is told so in plain HTTP.
    """
    try:
        connection.do_handshake()
    except ssl.SSLError as error:
        if error.reason == "HTTP_REQUEST":
            socket.socket.send(connection, _NO_TLS)  # past the encryption
        raise


def trusting_anybody() -> ssl.SSLContext:
    """Return a context for asking ourselves something."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def configured(http: HttpSettings, directory: Path) -> Tls | None:
    """Return what the settings ask for; `directory` is where a certificate of our own is kept.

    Raises ConfigurationError.
    """
    if http.tls_certificate:
        return Tls(Path(http.tls_certificate), Path(http.tls_key))
    if http.tls_self_signed:
        certificate, key = (directory / name for name in SELF_SIGNED)
        return Tls(certificate, key, is_ours=True)
    return None


def check(http: HttpSettings) -> None:
    """Try the certificate of the settings out, without changing anything. Raises ConfigurationError."""
    if http.tls_certificate:
        load(Path(http.tls_certificate), Path(http.tls_key))


def load(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    """Return a context with the certificate, and when it ends (s since the epoch).

    Raises ConfigurationError for files that are unreadable, do not belong together, have expired, or are not those of a
    server. One that is not valid yet is taken: a Raspberry Pi starts without knowing the time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError([_problem(certificate, key, error)]) from None
    try:
        ends_at = _try_out(context, certificate)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code != _NOT_YET_VALID:
            raise ConfigurationError([f"http.tls_certificate: {certificate}: {error.verify_message}"]) from None
        log.warning("%s is not yet valid, or the clock of this machine is wrong", certificate)
        ends_at = time.time() + _DAY
    except ssl.SSLError as error:
        raise ConfigurationError([f"http.tls_certificate: {certificate}: {_words(error)}"]) from None
    return context, ends_at


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate in a PEM file, as browsers show it."""
    text = certificate.read_text(encoding="ascii", errors="replace")
    first = text[text.index(ssl.PEM_HEADER) : text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest().hex(":").upper()


def make(certificate: Path, key: Path) -> None:
    """Make a certificate that signs itself, for this machine's names. Raises ConfigurationError.

    It is written beside and moved into place, so that there is never half of one.
    """
    name = socket.gethostname() or "camera-appliance"
    try:
        certificate.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=certificate.parent, prefix=".certificate-") as folder:
            new_certificate, new_key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            _sign(name, new_certificate, new_key)
            os.replace(new_key, key)
            os.replace(new_certificate, certificate)
    except OSError as error:
        problem = f"no certificate can be kept in {certificate.parent}: {error.strerror}"
        raise ConfigurationError([f"http.tls_self_signed: {problem}"]) from None
    log.info("certificate created for %s: %s", name, certificate)


def _sign(name: str, certificate: Path, key: Path) -> None:
    """Write a new certificate for that name of ours, and its key. Raises ConfigurationError."""
    names = f"subjectAltName=DNS:{name},DNS:{name}.local,DNS:localhost,IP:127.0.0.1,IP:::1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name[:64]}", "-addext", names, "-addext", "extendedKeyUsage=serverAuth"]
    command += ["-days", str(_VALID_FOR), "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603  all of it is ours
    except FileNotFoundError:
        raise ConfigurationError(["http.tls_self_signed: needs the command openssl"]) from None
    except subprocess.SubprocessError as error:
        raise ConfigurationError([f"http.tls_self_signed: no certificate could be made: {error}"]) from None


def _lasts(certificate: Path, key: Path, days: float) -> bool:
    """Return whether there is a certificate that can be used for so many days yet."""
    try:
        return load(certificate, key)[1] > time.time() + days * _DAY
    except ConfigurationError:
        return False


def _try_out(context: ssl.SSLContext, certificate: Path) -> float:
    """Shake hands with ourselves; return when the certificate ends. Raises ssl.SSLError."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is what is trusted
    trusting.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    return float(ssl.cert_time_to_seconds(str((client.getpeercert() or {})["notAfter"])))


def _problem(certificate: Path, key: Path, error: OSError) -> str:
    """Return in words why a certificate and its key could not be loaded."""
    for name, path in (("http.tls_certificate", certificate), ("http.tls_key", key)):
        if not os.access(path, os.R_OK):
            return f"{name}: {path} cannot be read"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"http.tls_key: {key} is not the key of {certificate}"
    return f"http.tls_certificate, http.tls_key: {certificate} and {key} cannot be used: {_words(error)}"


def _words(error: OSError) -> str:
    """Return what OpenSSL says; what it has no words for is no certificate or key at all."""
    reason = (error.reason or "").replace("_", " ").lower() if isinstance(error, ssl.SSLError) else error.strerror
    return reason or "they are not PEM files of a certificate and its key without a password"


def _no_password() -> str:
    """Answer the question for the password of a key: OpenSSL would ask on the terminal."""
    return ""


def _stamp(*files: Path) -> _Stamp:
    """Return what changes when one of the files does; a missing one counts as changed."""
    stamps = []
    for file in files:
        try:
            status = file.stat()
            stamps.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            stamps.append((0, 0, 0))
    return tuple(stamps)
