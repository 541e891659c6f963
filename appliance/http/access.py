"""Who may do what: log-ins, tokens and sessions, and the rights they give.

There are two people: `admin`, who may view and control, and `viewer`, who may see. Programs have tokens for the same
two rights. Nobody is anybody without one of them, except where the settings say that everybody may see, or all.
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
from appliance.http.limits import Buckets, household
from appliance.settings import HttpSettings, is_loopback
from appliance.system import passwords

SESSION_LIFETIME = 30 * 86400  # s after the log-in
_SESSIONS = 256  # of each user
_REMEMBERED = 256  # credentials that were found good
_FAILURES, _FAILURES_PER_SECOND = 5, 0.2
_AT_ONCE = 2  # passwords that are checked at the same time: each takes 16 MB
_PATIENCE = 2.0  # s that one more waits for that


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and with which rights. `user` is None for somebody who is not known."""

    user: str | None
    rights: frozenset[Right]

    def require(self, right: Right | None) -> None:
        """Raise LoginRequired or NotPermitted unless the right is there; None needs none."""
        if right is None or right in self.rights:
            return
        if self.user is None:
            raise LoginRequired(f"this needs the right to {right}: log in, or send a token")
        raise NotPermitted(f"this needs the right to {right}, which {self.user} does not have")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings along; None or empty where it does not."""

    address: str
    authorization: str = ""
    session: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    identity: Identity
    ends_at: float


_SEE: frozenset[Right] = frozenset({"view"})
_ALL: frozenset[Right] = frozenset({"view", "control"})
_IN_ADDRESS = Identity("a token in the address", _SEE)  # those end up in histories and logs: never more than to see


class Access:
    """Knows the secrets, and tells for each request who it is from. Every method may be called from any thread."""

    def __init__(self, settings: HttpSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = os.urandom(32)
        self._clock = clock
        self._passwords = {
            user: (_as_hash(password), Identity(user, rights))
            for user, password, rights in (
                ("admin", settings.password, _ALL),
                ("viewer", settings.viewer_password, _SEE),
            )
            if password
        }
        self._tokens = {
            self._digest(token): Identity(user, rights)
            for user, token, rights in (
                ("the viewer's token", settings.viewer_token, _SEE),
                ("the token", settings.token, _ALL),
            )
            if token
        }
        is_protected = bool(self._passwords or self._tokens)
        self.is_open = settings.open or (is_loopback(settings.host) and not is_protected)
        anonymous = _ALL if self.is_open else _SEE if settings.viewer_open else frozenset()
        self._nobody = Identity(None, anonymous)
        self._failures = Buckets("failed log-ins", _FAILURES, _FAILURES_PER_SECOND)
        self._checking = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, Identity] = OrderedDict()
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    @property
    def users(self) -> list[str]:
        """Who can log in."""
        return list(self._passwords)

    def identify(self, credentials: Credentials) -> Identity:
        """Tell who that is. Raises LoginRequired for a wrong password or token, TooManyRequests after too many."""
        if self.is_open:
            return self._nobody
        if credentials.authorization:
            return self._authorized(credentials.authorization, credentials.address)
        if credentials.session and (identity := self._of_session(credentials.session)):
            return identity
        if credentials.token is not None:
            self._of_token(credentials.token, credentials.address)
            return _IN_ADDRESS
        return self._nobody

    def log_in(self, user: str, password: str, address: str) -> str:
        """Begin a session and return its secret. Raises LoginRequired, TooManyRequests, Busy."""
        identity = self._remember(address, f"form {user}:{password}", lambda: self._of_password(user, password))
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[self._digest(secret)] = _Session(identity, self._clock() + SESSION_LIFETIME)
            theirs = [key for key, session in self._sessions.items() if session.identity is identity]
            if len(theirs) > _SESSIONS:
                del self._sessions[theirs[0]]
        return secret

    def log_out(self, session: str) -> None:
        """End a session, if it is one."""
        with self._lock:
            self._sessions.pop(self._digest(session), None)

    def _authorized(self, authorization: str, address: str) -> Identity:
        scheme, _, rest = authorization.partition(" ")
        match scheme.lower():
            case "basic":
                user, password = _user_and_password(rest)
                return self._remember(address, authorization, lambda: self._of_password(user, password))
            case "bearer":
                return self._of_token(rest.strip(), address)
        raise LoginRequired("Authorization has to be Basic or Bearer")

    def _remember(self, address: str, credential: str, check: Callable[[], Identity]) -> Identity:
        """Return what was found for the same credential from the same address before; otherwise check it.

        Who was let in is let in again while the address is slowed down, so a guesser locks nobody out there; from
        anywhere else the same credential is a guess like any other.
        """
        key = self._digest(f"{household(address)} {credential}")
        with self._lock:
            if remembered := self._remembered.get(key):
                self._remembered.move_to_end(key)
                return remembered
        self._failures.check(address)
        try:
            identity = check()
        except LoginRequired:
            self._failures.take(address)
            raise
        with self._lock:
            self._remembered[key] = identity
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return identity

    def _of_password(self, user: str, password: str) -> Identity:
        stored, identity = self._passwords.get(user, ("", self._nobody))
        if stored:
            if not self._checking.acquire(timeout=_PATIENCE):
                raise Busy("too many log-ins at once; try again")
            try:
                if passwords.matches(password, stored):
                    return identity
            finally:
                self._checking.release()
        raise LoginRequired("the user name or the password is wrong")

    def _of_token(self, token: str, address: str) -> Identity:
        def check() -> Identity:
            if identity := self._tokens.get(self._digest(token)):
                return identity
            raise LoginRequired("the token is wrong")

        return self._remember(address, f"bearer {token}", check)

    def _of_session(self, session: str) -> Identity | None:
        """Return whose session it is; an old or a forged one is nobody's, and no failed log-in either."""
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
        """Return a keyed hash. Looking it up in a table gives away nothing, since nobody can aim at a hash."""
        return hmac.digest(self._key, secret.encode(errors="surrogatepass"), hashlib.sha256)


def _as_hash(password: str) -> str:
    return password if passwords.is_hash(password) else passwords.hashed(password)


def _user_and_password(encoded: str) -> tuple[str, str]:
    """Return what RFC 7617 puts together. Raises LoginRequired."""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        colon = ""
    if not colon:
        raise LoginRequired("Authorization: Basic has to be the base64 of USER:PASSWORD")
    return user, password
