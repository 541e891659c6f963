"""Authentication and rights: users, tokens and sessions.

There are two users: `admin` may view and control, `viewer` may view. Programs use tokens with the same two rights.
An unauthenticated request has no rights, unless the settings give everybody the right to view, or both rights.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from appliance.commands import Right
from appliance.errors import Busy
from appliance.http.errors import LoginRequired, NotPermitted
from appliance.http.limits import Buckets, network_of
from appliance.settings import HttpSettings, is_loopback
from appliance.system import passwords

SESSION_LIFETIME = 30 * 86400  # s after the log-in
_MAX_SESSIONS = 256  # of each user
_MAX_VERIFIED = 256  # credentials whose verification is cached
_FAILURES, _FAILURES_PER_SECOND = 5, 0.2
_MAX_CONCURRENT_CHECKS = 2  # each check takes 16 MB
_CHECK_TIMEOUT = 2.0  # s to wait for one of them


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a request and its rights. `user` is None for an unauthenticated request."""

    user: str | None
    rights: frozenset[Right]

    def require(self, right: Right | None) -> None:
        """Raise LoginRequired or NotPermitted unless `right` is granted. None requires no right."""
        if right is None or right in self.rights:
            return
        if self.user is None:
            raise LoginRequired(f"the right to {right} is required: log in, or send a token")
        raise NotPermitted(f"the right to {right} is required, which {self.user} does not have")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The address and the credentials of a request; None or empty for those that it does not contain."""

    address: str
    authorization: str = ""
    session: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    identity: Identity
    ends_at: float


_VIEW: frozenset[Right] = frozenset({"view"})
_ALL: frozenset[Right] = frozenset({"view", "control"})
_TOKEN_IN_URL = Identity("a token in the address", _VIEW)  # URLs end up in histories and logs: view only


class Access:
    """Verifies credentials and manages sessions. All methods are thread-safe."""

    def __init__(self, settings: HttpSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = os.urandom(32)
        self._clock = clock
        self._passwords = {
            user: (_as_hash(password), Identity(user, rights))
            for user, password, rights in (
                ("admin", settings.password, _ALL),
                ("viewer", settings.viewer_password, _VIEW),
            )
            if password
        }
        self._tokens = {
            self._digest(token): Identity(user, rights)
            for user, token, rights in (
                ("the viewer's token", settings.viewer_token, _VIEW),
                ("the token", settings.token, _ALL),
            )
            if token
        }
        is_protected = bool(self._passwords or self._tokens)
        self.is_open = settings.open or (is_loopback(settings.host) and not is_protected)
        anonymous = _ALL if self.is_open else _VIEW if settings.viewer_open else frozenset()
        self._anonymous = Identity(None, anonymous)
        self._failures = Buckets("failed log-ins", _FAILURES, _FAILURES_PER_SECOND)
        self._password_checks = threading.BoundedSemaphore(_MAX_CONCURRENT_CHECKS)
        self._lock = threading.Lock()
        self._verified: OrderedDict[bytes, Identity] = OrderedDict()
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    @property
    def users(self) -> list[str]:
        """The names of the users that can log in."""
        return list(self._passwords)

    def identify(self, credentials: Credentials) -> Identity:
        """Return the identity of a request.

        Raises LoginRequired for a wrong password or token, TooManyRequests after too many of them, and Busy.
        """
        if self.is_open:
            return self._anonymous
        if credentials.authorization:
            return self._by_header(credentials.authorization, credentials.address)
        if credentials.session and (identity := self._by_session(credentials.session)):
            return identity
        if credentials.token is not None:
            self._by_token(credentials.token, credentials.address)
            return _TOKEN_IN_URL
        return self._anonymous

    def log_in(self, user: str, password: str, address: str) -> str:
        """Start a session and return its secret. Raises LoginRequired, TooManyRequests, Busy."""
        identity = self._verify(address, f"form {user}:{password}", lambda: self._by_password(user, password))
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[self._digest(secret)] = _Session(identity, self._clock() + SESSION_LIFETIME)
            own_sessions = [key for key, session in self._sessions.items() if session.identity is identity]
            if len(own_sessions) > _MAX_SESSIONS:
                del self._sessions[own_sessions[0]]
        return secret

    def log_out(self, session: str) -> None:
        """End the session, if it exists."""
        with self._lock:
            self._sessions.pop(self._digest(session), None)

    def _by_header(self, authorization: str, address: str) -> Identity:
        scheme, _, rest = authorization.partition(" ")
        match scheme.lower():
            case "basic":
                user, password = _user_and_password(rest)
                return self._verify(address, authorization, lambda: self._by_password(user, password))
            case "bearer":
                return self._by_token(rest.strip(), address)
        raise LoginRequired("Authorization must be Basic or Bearer")

    def _verify(self, address: str, credential: str, check: Callable[[], Identity]) -> Identity:
        """Return the cached identity of this credential from this network, or check it and cache the result.

        A cached credential is accepted even while its network is rate-limited, so an attacker cannot lock out others
        in the same network. From any other network, the same credential is checked and counted like a guess.
        """
        key = self._digest(f"{network_of(address)} {credential}")
        with self._lock:
            if verified := self._verified.get(key):
                self._verified.move_to_end(key)
                return verified
        self._failures.check(address)
        try:
            identity = check()
        except LoginRequired:
            self._failures.take(address)
            raise
        with self._lock:
            self._verified[key] = identity
            while len(self._verified) > _MAX_VERIFIED:
                self._verified.popitem(last=False)
        return identity

    def _by_password(self, user: str, password: str) -> Identity:
        stored, identity = self._passwords.get(user, ("", self._anonymous))
        if stored:
            if not self._password_checks.acquire(timeout=_CHECK_TIMEOUT):
                raise Busy("too many log-ins at once; try again")
            try:
                if passwords.matches(password, stored):
                    return identity
            finally:
                self._password_checks.release()
        raise LoginRequired("the user name or the password is wrong")

    def _by_token(self, token: str, address: str) -> Identity:
        def check() -> Identity:
            if identity := self._tokens.get(self._digest(token)):
                return identity
            raise LoginRequired("the token is wrong")

        return self._verify(address, f"bearer {token}", check)

    def _by_session(self, session: str) -> Identity | None:
        """Return the identity of a session, or None. An expired or forged one does not count as a failed log-in."""
        key = self._digest(session)
        with self._lock:
            found = self._sessions.get(key)
            if found is None:
                return None
            if found.ends_at < self._clock():
                del self._sessions[key]
                return None
            self._sessions.move_to_end(key)
            return found.identity

    def _digest(self, secret: str) -> bytes:
        """Return a keyed hash, so that the timing of a table lookup reveals nothing about the secrets."""
        return hmac.digest(self._key, secret.encode(errors="surrogatepass"), hashlib.sha256)


def _as_hash(password: str) -> str:
    return password if passwords.is_hash(password) else passwords.hashed(password)


def _user_and_password(encoded: str) -> tuple[str, str]:
    """Decode the credentials of Basic authentication (RFC 7617). Raises LoginRequired."""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        colon = ""
    if not colon:
        raise LoginRequired("Authorization: Basic must be the base64 of USER:PASSWORD")
    return user, password
