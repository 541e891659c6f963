"""Secrets in settings: which values are secret, where they would be exposed, and how they are masked."""

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

from appliance.parameters import Parameter, passwords, without_password

_SHORTEST = 6  # characters: masking shorter ones everywhere would make a log unreadable


def hidden(parameter: Parameter, value: object) -> list[str]:
    """Return the secrets in the value of a setting: the whole value if it is secret, or the passwords in a URL."""
    text = str(value)
    found = [text] if parameter.secret else passwords(text)
    return [secret for secret in found if secret]


def is_exposed(stream: IO[Any]) -> bool:
    """Return whether every user of this machine may read the open file.

    Its group may read it, so that the account of the unit can read a file owned by root.
    """
    return bool(os.fstat(stream.fileno()).st_mode & stat.S_IROTH)


def seen_in_file(file: Path, parameter: Parameter, value: object) -> str | None:
    """Return the problem of that setting in a file that every user may read; None if it is not secret."""
    if not hidden(parameter, value):
        return None
    return f"{file}: everybody on this machine may read {parameter.name} in it; forbid it: chmod o= {file}"


def seen_in_flag(flag: str, parameter: Parameter, value: object, better: str) -> str | None:
    """Return the problem of that setting on the command line; None if it is not secret."""
    if not hidden(parameter, value):
        return None
    return f"{flag}: everybody on this machine can read a password in the list of processes; {better}"


def mask(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks these secrets, plain and URL-encoded, and passwords in URLs, in any text.

    It is the last resort, for error messages of libraries.
    """
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), unquote(secret))}
    longest_first = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)

    def masked(text: str) -> str:
        for form in longest_first:
            text = text.replace(form, "***")
        return without_password(text)

    return masked
