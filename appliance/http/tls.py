"""The certificate of the HTTP server: checked before use, reloaded when its files change, created on request.

A certificate is tested with a TLS handshake in memory, which finds the mistakes that a browser would, using only the
standard library. Existing connections keep their certificate.
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
"""The exceptions of a non-blocking socket, encrypted or not, that would block."""

SELF_SIGNED = ("http-certificate.pem", "http-key.pem")
"""Files of the self-signed certificate, in the state directory."""

_VALID_FOR = 820  # days: Apple's systems refuse certificates that are valid for more than 825
_RENEWAL = 30  # days before the certificate expires
_DAY = 86400.0  # s
_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID, openssl/x509_vfy.h

_NO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 57\r\n\r\n"
    b"This port speaks HTTPS only: begin the address https://.\n"
)

_Stamp = tuple[tuple[int, int, int], ...]


class Tls:
    """Encrypts connections with the current certificate."""

    def __init__(self, certificate: Path, key: Path, is_self_signed: bool = False) -> None:
        """Load the certificate from PEM files. Raises ConfigurationError.

        With `is_self_signed`, it is created if it is missing or expires soon.
        """
        self._certificate, self._key, self._is_self_signed = certificate, key, is_self_signed
        self._create_at = 0.0  # not before (CLOCK_MONOTONIC, s)
        if is_self_signed and not _is_valid_for(certificate, key, _RENEWAL):
            self._create(is_required=not _is_valid_for(certificate, key, 0))
        self._stamp = self._seen = _stamp(certificate, key)
        self._context, self._ends_at = load(certificate, key)
        log.info("certificate %s: SHA-256 fingerprint %s", certificate, fingerprint(certificate))

    def wrap(self, connection: socket.socket) -> ssl.SSLSocket:
        """Return the encrypted connection; the handshake is not done yet."""
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def refresh(self) -> None:
        """Load a changed certificate; if it is invalid, keep the current one and log the reason.

        Files that changed since the last call are loaded at the next call, because they may be incomplete.
        """
        if (
            self._is_self_signed
            and time.time() > self._ends_at - _RENEWAL * _DAY
            and time.monotonic() >= self._create_at
        ):
            self._create(is_required=False)
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

    def _create(self, is_required: bool) -> None:
        """Create a self-signed certificate. An error is raised if `is_required`, otherwise logged."""
        self._create_at = time.monotonic() + _DAY / 24
        try:
            create(self._certificate, self._key)
        except ConfigurationError as error:
            if is_required:
                raise
            log.error("%s expires soon or has expired: %s", self._certificate, "; ".join(error.problems))


def send_close_notify(connection: socket.socket) -> None:
    """Send the TLS alert close_notify without blocking; do nothing for a plain connection."""
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):
            connection.unwrap()


def continue_handshake(connection: ssl.SSLSocket) -> None:
    """Continue the handshake. Raises one of `WAITS`, or OSError if it failed.

    A client that uses plain HTTP gets an error in plain HTTP.
    """
    try:
        connection.do_handshake()
    except ssl.SSLError as error:
        if error.reason == "HTTP_REQUEST":
            socket.socket.send(connection, _NO_TLS)  # unencrypted
        raise


def unverified_context() -> ssl.SSLContext:
    """Return a context without verification, for connections to ourselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def configured(http: HttpSettings, directory: Path) -> Tls | None:
    """Return TLS as configured, or None. `directory` is the folder of the self-signed certificate.

    Raises ConfigurationError.
    """
    if http.tls_certificate:
        return Tls(Path(http.tls_certificate), Path(http.tls_key))
    if http.tls_self_signed:
        certificate, key = (directory / name for name in SELF_SIGNED)
        return Tls(certificate, key, is_self_signed=True)
    return None


def check(http: HttpSettings) -> None:
    """Check the configured certificate, without changing anything. Raises ConfigurationError."""
    if http.tls_certificate:
        load(Path(http.tls_certificate), Path(http.tls_key))


def load(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    """Return a context with the certificate, and the time when it expires (s since the epoch).

    Raises ConfigurationError if the files are unreadable, do not match, have expired, or are not for a server. A
    certificate that is not valid yet is accepted, because the clock of a Raspberry Pi may be wrong after boot.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError([_problem(certificate, key, error)]) from None
    try:
        ends_at = _test_handshake(context, certificate)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code != _NOT_YET_VALID:
            raise ConfigurationError([f"http.tls_certificate: {certificate}: {error.verify_message}"]) from None
        log.warning("%s is not yet valid, or the clock of this machine is wrong", certificate)
        ends_at = time.time() + _DAY
    except ssl.SSLError as error:
        raise ConfigurationError([f"http.tls_certificate: {certificate}: {_reason(error)}"]) from None
    return context, ends_at


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate in a PEM file, in the format of browsers."""
    text = certificate.read_text(encoding="ascii", errors="replace")
    first = text[text.index(ssl.PEM_HEADER) : text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest().hex(":").upper()


def create(certificate: Path, key: Path) -> None:
    """Create a self-signed certificate for the names of this machine. Raises ConfigurationError.

    It is written to a temporary folder and moved into place, so that it is never incomplete.
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
        problem = f"cannot store a certificate in {certificate.parent}: {error.strerror}"
        raise ConfigurationError([f"http.tls_self_signed: {problem}"]) from None
    log.info("certificate created for %s: %s", name, certificate)


def _sign(name: str, certificate: Path, key: Path) -> None:
    """Write a new certificate for a host name, and its key. Raises ConfigurationError."""
    names = f"subjectAltName=DNS:{name},DNS:{name}.local,DNS:localhost,IP:127.0.0.1,IP:::1"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name[:64]}", "-addext", names, "-addext", "extendedKeyUsage=serverAuth"]
    command += ["-days", str(_VALID_FOR), "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603  no untrusted input
    except FileNotFoundError:
        raise ConfigurationError(["http.tls_self_signed: the command openssl is required"]) from None
    except subprocess.SubprocessError as error:
        raise ConfigurationError([f"http.tls_self_signed: cannot create a certificate: {error}"]) from None


def _is_valid_for(certificate: Path, key: Path, days: float) -> bool:
    """Return whether the certificate can be used for another `days` days."""
    try:
        return load(certificate, key)[1] > time.time() + days * _DAY
    except ConfigurationError:
        return False


def _test_handshake(context: ssl.SSLContext, certificate: Path) -> float:
    """Test a handshake in memory; return when the certificate expires (s since the epoch). Raises ssl.SSLError."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust the certificate itself
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
    """Return the message for a certificate and a key that could not be loaded."""
    for name, path in (("http.tls_certificate", certificate), ("http.tls_key", key)):
        if not os.access(path, os.R_OK):
            return f"{name}: {path} cannot be read"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"http.tls_key: {key} is not the key of {certificate}"
    return f"http.tls_certificate, http.tls_key: {certificate} and {key} cannot be used: {_reason(error)}"


def _reason(error: OSError) -> str:
    """Return the message of OpenSSL. It has none for files without a certificate or key."""
    reason = (error.reason or "").replace("_", " ").lower() if isinstance(error, ssl.SSLError) else error.strerror
    return reason or "they are not PEM files of a certificate and its key without a password"


def _no_password() -> str:
    """Return an empty password, because OpenSSL would prompt on the terminal."""
    return ""


def _stamp(*files: Path) -> _Stamp:
    """Return a value that changes when one of the files changes or disappears."""
    stamps = []
    for file in files:
        try:
            status = file.stat()
            stamps.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            stamps.append((0, 0, 0))
    return tuple(stamps)
