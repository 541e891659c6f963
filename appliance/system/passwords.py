"""Password hashes: scrypt (RFC 7914), as `scrypt$n$r$p$salt$hash` with salt and hash in base64."""

import base64
import binascii
import hashlib
import hmac
import os
import re

_N, _R, _P = (
    1 << 14,
    8,
    5,
)  # 16 MB and about 0.2 s: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
_MAXIMUM_MEMORY = 1 << 26  # bytes that a hash from the configuration may require
_MAXIMUM_ROUNDS = 64
_FORM = re.compile(
    r"scrypt\$([0-9]{1,7})\$([0-9]{1,2})\$([0-9]{1,2})\$([A-Za-z0-9+/]{8,88}={0,2})\$([A-Za-z0-9+/]{43}=)"
)


def hashed(password: str) -> str:
    """Return the hash of a password, with a new salt each time."""
    salt = os.urandom(16)
    return "$".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(_derive(password, salt, _N, _R, _P))))


def is_hash(text: str) -> bool:
    """Return whether a setting holds a hash rather than the password itself. The hash may still be damaged."""
    return text.startswith("scrypt$")


def is_usable(stored: str) -> bool:
    """Return whether a hash is complete and requires no more memory and time than is allowed."""
    return _parts(stored) is not None


def matches(password: str, stored: str) -> bool:
    """Return whether that is the password, in a time that does not depend on how much of it is correct."""
    parts = _parts(stored)
    if parts is None:
        return False
    n, r, p, salt, expected = parts
    return hmac.compare_digest(_derive(password, salt, n, r, p), expected)


def _parts(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    found = _FORM.fullmatch(stored)
    if not found:
        return None
    n, r, p = (int(number) for number in found.group(1, 2, 3))
    if n < 2 or n & (n - 1) or not r > 0 or not 0 < p <= _MAXIMUM_ROUNDS or 128 * n * r > _MAXIMUM_MEMORY:
        return None
    try:
        return n, r, p, base64.b64decode(found[4], validate=True), base64.b64decode(found[5], validate=True)
    except binascii.Error:
        return None


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    secret = password.encode(errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=2 * _MAXIMUM_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
