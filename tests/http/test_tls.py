"""HTTPS: real clients, real certificates, the same broadcaster."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.http import tls
from appliance.settings import HttpSettings
from tests.mqtt.broker import Authority, Certificate
from tests.running import PATIENCE, RunningAppliance, eventually, run_command
from tests.streaming import Viewer


class Files:
    """The files that the appliance is told of, to be replaced while it runs."""

    def __init__(self, directory: Path) -> None:
        self.certificate, self.key = directory / "server.pem", directory / "server.key"

    def put(self, issued: Certificate) -> None:
        """Put another certificate in place, each file as a whole."""
        for source, target in ((issued.certificate, self.certificate), (issued.key, self.key)):
            shutil.copy(source, target.with_suffix(".new"))
            os.replace(target.with_suffix(".new"), target)

    @property
    def settings(self) -> dict[str, object]:
        return {"http.tls_certificate": self.certificate, "http.tls_key": self.key}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Files:
    files = Files(tmp_path_factory.mktemp("files"))
    files.put(authority.issue("first"))
    return files


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[RunningAppliance]:
    """An appliance that speaks HTTPS, on the test pattern."""
    directory = tmp_path_factory.mktemp("secure")
    with RunningAppliance(directory, settings=files.settings | {"log.level": "debug"}) as appliance:
        yield appliance


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.certificate))


def connect(appliance: RunningAppliance, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(appliance.connect(), server_hostname="localhost")


def name_of(appliance: RunningAppliance, authority: Authority) -> str:
    """Return the common name in the certificate that a new client is shown."""
    with connect(appliance, trusting(authority)) as connection:
        subject = (connection.getpeercert() or {})["subject"]
    return str(dict(pair for group in subject for pair in group)["commonName"])  # type: ignore[misc]


def test_the_page_the_state_and_a_picture_come_encrypted(secure: RunningAppliance, authority: Authority) -> None:
    connection = http.client.HTTPSConnection("localhost", secure.port, timeout=PATIENCE, context=trusting(authority))
    for path, media_type in (("/", "text/html"), ("/api/state", "application/json"), ("/snapshot.jpg", "image/jpeg")):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        assert str(answer.headers["Content-Type"]).startswith(media_type)
        assert answer.read()
    connection.close()
    assert "the page is at https://127.0.0.1:" in secure.log


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_viewers_get_whole_frames(secure: RunningAppliance, authority: Authority, version: ssl.TLSVersion) -> None:
    context = trusting(authority)
    context.minimum_version = context.maximum_version = version
    with Viewer(secure, tls=context) as viewer:
        viewer.begin()
        for _ in range(10):
            part = viewer.part()
            assert part.is_live
            assert part.jpeg.startswith(b"\xff\xd8")
            assert part.jpeg.endswith(b"\xff\xd9")


def test_an_old_version_is_refused(secure: RunningAppliance) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(secure, context)


def test_a_slow_viewer_sees_whole_pictures_and_the_newest(secure: RunningAppliance, authority: Authority) -> None:
    with (
        Viewer(secure, receive_buffer=4096, tls=trusting(authority)) as slow,
        Viewer(secure, tls=trusting(authority)) as fast,
    ):
        slow.begin().part()
        fast.begin()
        for _ in range(60):
            newest = fast.part()
        slow.part()  # was under way, or in the kernel's buffers, while it slept
        slow.part()
        after = slow.part()
        assert after.timestamp > newest.timestamp
        assert after.jpeg.endswith(b"\xff\xd9")


def test_a_client_that_hangs_up_before_accept_is_no_error(secure: RunningAppliance, authority: Authority) -> None:
    """Python refuses to encrypt a connection that is reset with something unread on it (CVE-2023-40217)."""
    reset = struct.pack("ii", 1, 0)
    for _ in range(300):
        with secure.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            connection.sendall(b"\x16\x03\x01\x02\x00")
    assert name_of(secure, authority)
    assert "Traceback" not in secure.log


def test_a_viewer_who_leaves_frees_its_place(secure: RunningAppliance, authority: Authority) -> None:
    context = trusting(authority)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

    def viewers() -> int:
        with opener.open(f"https://localhost:{secure.port}/api/state", timeout=PATIENCE) as answer:
            return int(json.load(answer)["viewers"])

    with Viewer(secure, tls=context) as viewer:
        viewer.begin().part()
        assert viewers() == 1
    eventually(lambda: viewers() == 0, "no viewer")


def test_events_come_encrypted(secure: RunningAppliance, authority: Authority) -> None:
    with Viewer(secure, "/api/events", tls=trusting(authority)) as listener:
        listener.head()
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.until(b"\n").startswith(b"event: state")


def test_plain_http_on_the_tls_port_is_answered_with_a_reason(secure: RunningAppliance) -> None:
    with secure.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as answer:
            text = answer.read()
    assert text.startswith(b"HTTP/1.1 400 ")
    head, _, body = text.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"https://" in body


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\x00\x05hello", b"\0" * 64, b""], ids=["half", "zeros", "nothing"])
def test_rubbish_is_not_answered_and_does_no_harm(
    secure: RunningAppliance, authority: Authority, rubbish: bytes
) -> None:
    answer = b""
    with secure.connect() as connection, contextlib.suppress(OSError):  # It may well end the connection at once.
        connection.sendall(rubbish)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1024)
    assert b"HTTP" not in answer
    assert name_of(secure, authority)
    assert "Traceback" not in secure.log


def test_a_new_certificate_is_taken_over_and_no_viewer_notices(
    secure: RunningAppliance, authority: Authority, files: Files
) -> None:
    with Viewer(secure, tls=trusting(authority)) as viewer:
        viewer.begin().part()
        files.put(authority.issue("second"))
        eventually(lambda: name_of(secure, authority) == "second", "the new certificate")
        assert viewer.part().is_live
    assert secure.log.count("SHA-256 fingerprint") == 2


def test_a_wrong_new_certificate_is_logged_and_the_old_one_stays(
    secure: RunningAppliance, authority: Authority, files: Files
) -> None:
    before = name_of(secure, authority)
    files.put(Certificate(authority.issue("third").certificate, authority.issue("fourth").key))
    eventually(lambda: "the new certificate cannot be used, so the old one stays in use" in secure.log, "a complaint")
    assert f"{files.key} is not the key of {files.certificate}" in secure.log
    assert name_of(secure, authority) == before
    files.put(authority.issue("fifth"))
    eventually(lambda: name_of(secure, authority) == "fifth", "a good certificate")


def test_a_certificate_of_our_own_is_made_and_its_fingerprint_logged(tmp_path: Path) -> None:
    with RunningAppliance(tmp_path, settings={"http.tls_self_signed": True}) as appliance:
        shown = ssl.get_server_certificate(("127.0.0.1", appliance.port), timeout=PATIENCE)
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).digest().hex(":").upper()
        assert fingerprint in appliance.log
    state = tmp_path / "state"
    assert (state / "http-key.pem").stat().st_mode & 0o077 == 0
    tls.configured(HttpSettings(tls_self_signed=True), state)
    assert tls.fingerprint(state / "http-certificate.pem") == fingerprint, "the next start takes the same"


def test_a_self_signed_certificate_is_renewed_before_it_expires(ending: Certificate) -> None:
    old = tls.fingerprint(ending.certificate)
    tls.Tls(ending.certificate, ending.key, is_self_signed=True)
    assert tls.fingerprint(ending.certificate) != old


def test_a_self_signed_certificate_that_cannot_be_renewed_stays_in_use(
    ending: Certificate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old = tls.fingerprint(ending.certificate)
    monkeypatch.setenv("PATH", "/nowhere")
    encryption = tls.Tls(ending.certificate, ending.key, is_self_signed=True)
    for _ in range(3):
        encryption.refresh()
    assert tls.fingerprint(ending.certificate) == old
    complaints = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert complaints == [
        f"{ending.certificate} expires soon or has expired: http.tls_self_signed: the command openssl is required"
    ]


@pytest.mark.parametrize("directory", ["/proc/nowhere", "/dev/full/nowhere"])
def test_a_folder_that_takes_no_certificate_is_told(directory: str) -> None:
    with pytest.raises(ConfigurationError, match=f"http.tls_self_signed: cannot store a certificate in {directory}: "):
        tls.configured(HttpSettings(tls_self_signed=True), Path(directory))


@pytest.fixture
def ending(tmp_path: Path) -> Certificate:
    """A certificate of our own that is valid for ten more days."""
    made = Certificate(tmp_path / "certificate.pem", tmp_path / "key.pem")
    new_key: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", made.key]
    openssl("req", "-x509", *new_key, "-nodes", "-subj", "/CN=old", "-days", "10", "-out", made.certificate)
    return made


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> dict[str, tuple[Path, Path]]:
    """Pairs of certificate and key that cannot be used, by what is wrong with them."""
    directory = tmp_path_factory.mktemp("bad")
    good, other = authority.issue("good"), authority.issue("other")
    expired = Certificate(directory / "expired.pem", directory / "expired.key")
    request = directory / "expired.csr"
    new_key: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", expired.key]
    openssl("req", "-new", *new_key, "-nodes", "-subj", "/CN=expired", "-out", request)
    openssl("x509", "-req", "-in", request, "-signkey", expired.key, "-days", "-1", "-out", expired.certificate)
    locked = directory / "locked.key"
    openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", locked)
    rubbish = directory / "rubbish.pem"
    rubbish.write_text("no certificate\n")
    return {
        "mismatch": (good.certificate, other.key),
        "expired": (expired.certificate, expired.key),
        "locked": (good.certificate, locked),
        "rubbish": (rubbish, good.key),
        "missing": (directory / "nothing.pem", good.key),
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("mismatch", "is not the key of"),
        ("expired", "certificate has expired"),
        ("locked", "without a password"),
        ("rubbish", "PEM files"),
        ("missing", "there is no file"),
    ],
)
def test_wrong_files_are_told_before_anything_starts(
    tmp_path: Path, bad: dict[str, tuple[Path, Path]], wrong: str, words: str
) -> None:
    certificate, key = bad[wrong]
    command = "run" if wrong == "expired" else "check"
    result = run_command(command, f"--http-tls-certificate={certificate}", f"--http-tls-key={key}", directory=tmp_path)
    assert result.returncode == 78
    assert "http.tls_" in result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--http-tls-key=KEY"], "one has no effect without the other"),
        (["--http-tls-certificate=CERTIFICATE", "--http-tls-key=KEY", "--http-tls-self-signed=true"], "contradicts"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    tmp_path: Path, files: Files, flags: list[str], words: str
) -> None:
    flags = [flag.replace("CERTIFICATE", str(files.certificate)).replace("KEY", str(files.key)) for flag in flags]
    result = run_command("check", *flags, directory=tmp_path)
    assert result.returncode == 78
    assert words in result.stderr
